#include "base/secret.hpp"
#include "control/cookie.hpp"
#include "control/credentials.hpp"
#include "control/digest.hpp"
#include "control/password.hpp"
#include "control/same_site.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

// An input is each of what strangers send to prove themselves: a header, a query, a form, a cookie, a Host;
// and a password's hash and base64.
namespace {

using namespace millrace;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void require_legal(std::string_view text) {
    require(text.size() <= control::proof_size_max && text.find('\0') == std::string_view::npos &&
            text.find('\n') == std::string_view::npos);
}

void require_legal(const Result<control::Proof>& proof) {
    if (!proof) {
        require(proof.error().code == Errc::malformed);
    } else if (const auto* const user = std::get_if<control::UserProof>(&*proof)) {
        require(!user->user.empty());
        require_legal(user->user);
        require_legal(user->password);
    } else if (const auto* const token = std::get_if<control::TokenProof>(&*proof)) {
        require(!token->token.empty());
        require_legal(token->token);
    } else if (const auto* const cookie = std::get_if<control::CookieProof>(&*proof)) {
        require_legal(cookie->value);
    }
}

void read_petition(const std::string& text) {
    hub::Petition petition;
    petition.authorization = text;
    require_legal(control::proof_of(petition));
    petition.authorization = "Basic " + text;
    require_legal(control::proof_of(petition));
    petition.authorization.clear();
    petition.query = text;
    require_legal(control::proof_of(petition));
    petition.query.clear();
    petition.cookie = text;
    require_legal(control::proof_of(petition));
}

/// A secret of plain letters and digits is in no place where secrets stand.
void require_masked(const std::string& text) {
    constexpr std::size_t too_short = 8;
    constexpr std::string_view around = "http://u:@host/user=u_password=_channel=1?token=&pass=''";
    const bool plain = std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    });
    if (text.size() >= too_short && plain && around.find(text) == std::string_view::npos) {
        const std::string shown = masked("http://u:" + text + "@host/user=u_password=" + text +
                                         "_channel=1?token=" + text + "&pass='" + text + "'");
        require(shown.find(text) == std::string::npos);
    }
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    read_petition(text);
    const control::Digest key{};
    require(!control::read_cookie(key, text, {0}));   // nobody can sign
    if (const auto hash = control::PasswordHash::parse(text)) {
        require(hash->text() == text && size <= control::PasswordHash::text_size_max);
    }
    if (const auto decoded = control::decode_base64(text)) {
        require(control::encode_base64(as_bytes(*decoded)) == text.substr(0, text.find('=')));
    }
    const std::vector<std::string> none;
    if (control::is_own_host(text, {none, "den", none})) {
        require(text.find_first_of("/@ \r\n") == std::string::npos);
    }
    (void)masked(text);
    require_masked(text);
    return 0;
}
