#include "outside/s3_answers.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace millrace::outside {

namespace {

constexpr std::uint32_t unicode_max = 0x10FFFF;

/// RFC 3629 §3.
void put_utf8(std::string& text, std::uint32_t code) {
    constexpr std::uint32_t more = 0x80;
    constexpr std::uint32_t six_bits = 0x3F;
    const auto put = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | (code >> 6U));
        put(more | (code & six_bits));
    } else if (code < 0x10000) {
        put(0xE0 | (code >> 12U));
        put(more | ((code >> 6U) & six_bits));
        put(more | (code & six_bits));
    } else {
        put(0xF0 | (code >> 18U));
        put(more | ((code >> 12U) & six_bits));
        put(more | ((code >> 6U) & six_bits));
        put(more | (code & six_bits));
    }
}

/// What stands between '&' and ';'; false where it is no reference.
bool put_reference(std::string& text, std::string_view name) {
    struct Entity {
        std::string_view name;
        char value;
    };
    constexpr std::array entities{Entity{"amp", '&'}, Entity{"lt", '<'}, Entity{"gt", '>'},
                                  Entity{"quot", '"'}, Entity{"apos", '\''}};
    if (const auto found = std::ranges::find(entities, name, &Entity::name); found != entities.end()) {
        text += found->value;
        return true;
    }
    if (!name.starts_with('#')) {
        return false;
    }
    const bool hexadecimal = name.starts_with("#x");
    name.remove_prefix(hexadecimal ? 2 : 1);
    std::uint32_t code = 0;
    const auto [end, error] =
        std::from_chars(name.data(), name.data() + name.size(), code, hexadecimal ? 16 : 10);
    if (error != std::errc{} || end != name.data() + name.size() || code > unicode_max) {
        return false;
    }
    put_utf8(text, code);
    return true;
}

std::string unescaped(std::string_view xml) {
    constexpr std::size_t reference_max = 10;
    std::string text;
    for (std::size_t at = 0; at < xml.size();) {
        const std::size_t end =
            xml[at] == '&' ? xml.substr(at, reference_max).find(';') : std::string_view::npos;
        if (end != std::string_view::npos && put_reference(text, xml.substr(at + 1, end - 1))) {
            at += end + 1;
        } else {
            text += xml[at++];
        }
    }
    return text;
}

/// What is in the first element of that name, and how far it goes; nothing where there is none.
struct Found {
    std::string_view inside;
    std::size_t end = 0;
};
std::optional<Found> find_element(std::string_view xml, std::string_view name, std::size_t from) {
    for (std::size_t at = xml.find('<', from); at != std::string_view::npos; at = xml.find('<', at + 1)) {
        const std::string_view rest = xml.substr(at + 1);
        if (!rest.starts_with(name) || rest.size() == name.size()) {
            continue;
        }
        const char behind = rest[name.size()];
        const std::size_t close = rest.find('>');
        if ((behind != '>' && behind != ' ') || close == std::string_view::npos) {
            continue;
        }
        const std::size_t begin = at + 1 + close + 1;
        const std::string end_tag = "</" + std::string{name} + ">";
        const std::size_t end = xml.find(end_tag, begin);
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        return Found{xml.substr(begin, end - begin), end + end_tag.size()};
    }
    return std::nullopt;
}

struct KnownError {
    std::string_view code;
    Error error;
};
constexpr std::array known_errors{
    KnownError{"NoSuchKey", {Errc::not_found, "there is no such object"}},
    KnownError{"NoSuchBucket", {Errc::refused, "there is no such bucket: storage.objects.bucket"}},
    KnownError{"NoSuchUpload", {Errc::closed, "the bucket's server forgot what was on its way"}},
    KnownError{"InvalidAccessKeyId",
               {Errc::refused, "the bucket's server does not know the key storage.objects.access_key"}},
    KnownError{"SignatureDoesNotMatch",
               {Errc::refused,
                "storage.objects.secret_key is not that of the access key, or the region is not "
                "the bucket's"}},
    KnownError{"AccessDenied", {Errc::refused, "the keys of storage.objects may not do this in the bucket"}},
    KnownError{"RequestTimeTooSkewed",
               {Errc::refused, "the clocks of this machine and of the bucket's server are too far apart"}},
    KnownError{"AuthorizationHeaderMalformed",
               {Errc::refused, "storage.objects.region is not the bucket's region"}},
    KnownError{"PermanentRedirect",
               {Errc::refused, "the bucket is elsewhere: storage.objects.endpoint, storage.objects.region"}},
    KnownError{"BadDigest", {Errc::closed, "bytes changed on their way to the bucket"}},
    KnownError{"InvalidRange", {Errc::malformed, "the object is shorter than it was"}},
    KnownError{"QuotaExceeded", {Errc::exhausted, "the bucket is full"}},
};

}   // namespace

std::string element(std::string_view xml, std::string_view name) {
    const auto found = find_element(xml, name, 0);
    return found ? unescaped(found->inside) : std::string{};
}

Result<std::vector<archive::ObjectStore::Object>> read_list(std::string_view xml, std::string_view prefix) {
    constexpr Error no_list{Errc::malformed, "what answers for the bucket does not speak S3"};
    if (!find_element(xml, "ListBucketResult", 0)) {
        return std::unexpected(no_list);
    }
    std::vector<archive::ObjectStore::Object> objects;
    for (auto one = find_element(xml, "Contents", 0); one; one = find_element(xml, "Contents", one->end)) {
        const std::string name = element(one->inside, "Key");
        const std::string size = element(one->inside, "Size");
        std::uint64_t bytes = 0;
        const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), bytes);
        const bool whole = error == std::errc{} && end == size.data() + size.size();
        if (!whole || !name.starts_with(prefix) || objects.size() == archive::ObjectStore::page_max) {
            return std::unexpected(no_list);
        }
        objects.push_back({name.substr(prefix.size()), bytes});
    }
    return objects;
}

Error read_error(long status, std::string_view xml) {
    const std::string code = element(xml, "Code");
    if (const auto found = std::ranges::find(known_errors, code, &KnownError::code);
        found != known_errors.end()) {
        return found->error;
    }
    switch (status) {
        case 301:
        case 307:
            return {Errc::refused,
                    "the bucket is elsewhere: storage.objects.endpoint, storage.objects.region"};
        case 401:
        case 403: return {Errc::refused, "the bucket's server does not accept the keys of storage.objects"};
        case 404: return {Errc::not_found, "there is no such object"};
        case 416: return {Errc::malformed, "the object is shorter than it was"};
        case 429:
        case 503: return {Errc::timed_out, "the bucket's server has too much to do"};
        case 507: return {Errc::exhausted, "the bucket is full"};
        default: break;
    }
    constexpr long server_errors = 500;
    return status >= server_errors ? Error{Errc::timed_out, "the bucket's server failed"}
                                   : Error{Errc::io, "the bucket's server refused what was asked"};
}

std::string percent_encoded(std::string_view text, bool path) {
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view{"-._~"}.contains(c) || (path && c == '/');
        encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

}   // namespace millrace::outside
