#include "container/mp4_language.hpp"

#include <algorithm>

namespace millrace::mp4 {
namespace {

constexpr std::string_view undetermined = "und";

// ISO 639-1 and 639-2/T, of the languages that streams say they are in.
struct Language {
    std::string_view two;
    std::string_view three;
};
constexpr Language languages[] = {
    {"af", "afr"}, {"am", "amh"}, {"ar", "ara"}, {"az", "aze"}, {"be", "bel"}, {"bg", "bul"}, {"bn", "ben"},
    {"bo", "bod"}, {"bs", "bos"}, {"ca", "cat"}, {"cs", "ces"}, {"cy", "cym"}, {"da", "dan"}, {"de", "deu"},
    {"el", "ell"}, {"en", "eng"}, {"eo", "epo"}, {"es", "spa"}, {"et", "est"}, {"eu", "eus"}, {"fa", "fas"},
    {"fi", "fin"}, {"fr", "fra"}, {"ga", "gle"}, {"gl", "glg"}, {"gu", "guj"}, {"he", "heb"}, {"hi", "hin"},
    {"hr", "hrv"}, {"hu", "hun"}, {"hy", "hye"}, {"id", "ind"}, {"is", "isl"}, {"it", "ita"}, {"ja", "jpn"},
    {"ka", "kat"}, {"kk", "kaz"}, {"km", "khm"}, {"kn", "kan"}, {"ko", "kor"}, {"ku", "kur"}, {"ky", "kir"},
    {"la", "lat"}, {"lo", "lao"}, {"lt", "lit"}, {"lv", "lav"}, {"mk", "mkd"}, {"ml", "mal"}, {"mn", "mon"},
    {"mr", "mar"}, {"ms", "msa"}, {"my", "mya"}, {"nb", "nob"}, {"ne", "nep"}, {"nl", "nld"}, {"nn", "nno"},
    {"no", "nor"}, {"pa", "pan"}, {"pl", "pol"}, {"ps", "pus"}, {"pt", "por"}, {"ro", "ron"}, {"ru", "rus"},
    {"si", "sin"}, {"sk", "slk"}, {"sl", "slv"}, {"sq", "sqi"}, {"sr", "srp"}, {"sv", "swe"}, {"sw", "swa"},
    {"ta", "tam"}, {"te", "tel"}, {"tg", "tgk"}, {"th", "tha"}, {"tk", "tuk"}, {"tr", "tur"}, {"ug", "uig"},
    {"uk", "ukr"}, {"ur", "urd"}, {"uz", "uzb"}, {"vi", "vie"}, {"xh", "xho"}, {"zh", "zho"}, {"zu", "zul"},
};

std::string primary_subtag(std::string_view bcp_47) {
    std::string subtag{bcp_47.substr(0, bcp_47.find('-'))};
    for (char& c : subtag) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    }
    return subtag;
}

}   // namespace

std::uint16_t packed_language(std::string_view bcp_47) {
    const std::string subtag = primary_subtag(bcp_47);
    const Language* known = std::ranges::find(languages, std::string_view{subtag}, &Language::two);
    const bool three_letters =
        subtag.size() == 3 && std::ranges::all_of(subtag, [](char c) { return c >= 'a' && c <= 'z'; });
    const std::string_view letters = known != std::end(languages) ? known->three
                                     : three_letters              ? std::string_view{subtag}
                                                                  : undetermined;
    std::uint16_t packed = 0;
    for (const char c : letters) {
        packed = static_cast<std::uint16_t>(packed << 5U | (c - 0x60));
    }
    return packed;
}

std::string unpacked_language(std::uint16_t packed) {
    std::string letters;
    for (const unsigned shift : {10U, 5U, 0U}) {
        letters += static_cast<char>((packed >> shift & 0x1FU) + 0x60);
    }
    const bool valid = std::ranges::all_of(letters, [](char c) { return c >= 'a' && c <= 'z'; });
    return valid && letters != undetermined ? letters : std::string{};
}

}   // namespace millrace::mp4
