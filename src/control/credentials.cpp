#include "control/credentials.hpp"

#include "control/digest.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

constexpr Error two_proofs{Errc::malformed, "two different proofs of who asks: send one"};

/// Nothing a terminal or a log would obey (RFC 7617 §2), and no more than anybody needs.
bool is_legal(std::string_view text) {
    return text.size() <= proof_size_max && std::ranges::none_of(text, [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return byte < 0x20 || byte == 0x7F;
           });
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) {
        text.remove_prefix(1);
    }
    while (text.ends_with(' ') || text.ends_with('\t')) {
        text.remove_suffix(1);
    }
    return text;
}

std::optional<std::string> decoded(std::string_view text) {
    std::string spaced{text};
    std::ranges::replace(spaced, '+', ' ');
    return web::percent_decode(spaced);
}

/// RFC 7617 §2: base64 of "user:password"; the user has no colon.
Result<Proof> basic(std::string_view encoded) {
    const auto text = encoded.size() <= 2 * proof_size_max ? decode_base64(encoded) : std::nullopt;
    const std::size_t colon = text ? text->find(':') : std::string::npos;
    if (colon == std::string::npos) {
        return fail(Errc::malformed, "Authorization: Basic wants user:password in base64");
    }
    return proof_of({.user = text->substr(0, colon), .password = text->substr(colon + 1), .token = {}});
}

Result<Proof> authorization(std::string_view value) {
    value = trimmed(value);
    if (value.empty()) {
        return NoProof{};
    }
    const std::string_view scheme = value.substr(0, value.find(' '));
    const std::string_view rest = trimmed(value.substr(scheme.size()));
    if (web::same_name(scheme, "Basic")) {
        return basic(rest);
    }
    if (web::same_name(scheme, "Bearer")) {
        return proof_of({.user = {}, .password = {}, .token = std::string{rest}});
    }
    return fail(Errc::malformed, "Authorization takes Basic or Bearer here");
}

Result<Proof> header_proof(const hub::Petition& petition) {
    if (!petition.digest) {
        return authorization(petition.authorization);
    }
    return is_legal(petition.digest->user) ? Result<Proof>{*petition.digest}
                                           : fail(Errc::malformed, "a user's name has no control characters");
}

Result<Proof> query_proof(std::string_view query) {
    auto user = field_of(query, "user");
    auto password = field_of(query, "pass");
    auto token = field_of(query, "token");
    for (const auto* part : {&user, &password, &token}) {
        if (!*part) {
            return std::unexpected(part->error());
        }
    }
    return proof_of({std::move(*user), std::move(*password), std::move(*token)});
}

/// RFC 6265 §5.4: "name=value; name=value". Another node on this host may have set its own of that name: the
/// first one wins.
Proof cookie_proof(std::string_view cookies) {
    while (!cookies.empty()) {
        const std::string_view pair = trimmed(cookies.substr(0, cookies.find(';')));
        cookies.remove_prefix(std::min(cookies.find(';'), cookies.size() - 1) + 1);
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
        if (pair.substr(0, equals) == cookie_name && !value.empty() && is_legal(value)) {
            return CookieProof{std::string{value}};
        }
    }
    return NoProof{};
}

}   // namespace

Result<std::optional<std::string>> field_of(std::string_view fields, std::string_view key) {
    std::optional<std::string> found;
    while (!fields.empty()) {
        const std::string_view pair = fields.substr(0, fields.find('&'));
        fields.remove_prefix(std::min(pair.size() + 1, fields.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        if (decoded(pair.substr(0, equals)) != key) {
            continue;
        }
        auto value = decoded(pair.substr(std::min(equals + 1, pair.size())));
        if (!value) {
            return fail(Errc::malformed, "a percent sign is followed by two hexadecimal digits");
        }
        if (found && *found != *value) {
            return std::unexpected(two_proofs);
        }
        found = std::move(value);
    }
    return found;
}

Result<Proof> proof_of(ProofParts parts) {
    if (!parts.user && !parts.password && !parts.token) {
        return NoProof{};
    }
    if (parts.token && (parts.user || parts.password)) {
        return std::unexpected(two_proofs);
    }
    for (const auto* part : {&parts.user, &parts.password, &parts.token}) {
        if (*part && !is_legal(**part)) {
            return fail(Errc::malformed, "a proof has at most 1,024 bytes and no control characters");
        }
    }
    if (parts.token) {
        if (parts.token->empty()) {
            return fail(Errc::malformed, "the token is empty");
        }
        return TokenProof{std::move(*parts.token)};
    }
    if (!parts.user || !parts.password || parts.user->empty()) {
        return fail(Errc::malformed, "user and pass go together");
    }
    return UserProof{std::move(*parts.user), std::move(*parts.password)};
}

Result<Proof> proof_of(const hub::Petition& petition) {
    Result<Proof> header = header_proof(petition);
    Result<Proof> query = query_proof(petition.query);
    if (!header || !query) {
        return header ? query : header;
    }
    const bool none_in_header = std::holds_alternative<NoProof>(*header);
    const bool none_in_query = std::holds_alternative<NoProof>(*query);
    if (!none_in_header && !none_in_query && *header != *query) {
        return std::unexpected(two_proofs);
    }
    if (none_in_header && none_in_query) {
        return cookie_proof(petition.cookie);
    }
    return none_in_header ? query : header;
}

}   // namespace millrace::control
