#include "session/link_address.hpp"

#include "base/url.hpp"
#include "base/web.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace millrace::session {

namespace {

constexpr std::array transports{std::pair{std::string_view{"auto"}, LinkTransport::automatic},
                                std::pair{std::string_view{"kcp"}, LinkTransport::kcp},
                                std::pair{std::string_view{"tls"}, LinkTransport::tls}};

/// Takes what is ours out of the query: whom to believe, and how to send.
Result<> take_own(std::string_view part, LinkAddress& address, const Settings& settings, bool& ours) {
    constexpr std::string_view fingerprint = "fingerprint=";
    constexpr std::string_view identity = "identity=";
    constexpr std::string_view parity = "parity=";
    constexpr std::string_view transport = "transport=";
    ours = true;
    if (part.starts_with(fingerprint)) {
        const auto value = web::percent_decode(part.substr(fingerprint.size()));
        address.trust.pin = link::fingerprint_in(value.value_or(""));
        return address.trust.pin ? Result<>{}
                                 : fail(Errc::malformed,
                                        "fingerprint= is a SHA-256: 64 hexadecimal digits, as the server "
                                        "printed them at its start");
    }
    if (part.starts_with(identity)) {
        const auto value = web::percent_decode(part.substr(identity.size()));
        const auto found = settings.link_keys.find(value.value_or(""));
        if (found == settings.link_keys.end()) {
            return fail(Errc::not_found,
                        "this node has no key of the identity that the address names: write "
                        "it into kcp.psk_file");
        }
        address.trust.psk = {.identity = found->first, .key = found->second};
        return {};
    }
    if (part.starts_with(parity)) {
        address.parity = part != "parity=off";
        return !address.parity || part == "parity=on"
                   ? Result<>{}
                   : fail(Errc::malformed,
                          "parity= is on or off: what is sent beside the frames against loss");
    }
    if (part.starts_with(transport)) {
        const std::string_view value = part.substr(transport.size());
        const auto named =
            std::ranges::find(transports, value, &std::pair<std::string_view, LinkTransport>::first);
        if (named == transports.end()) {
            return fail(Errc::malformed, "transport= is auto, kcp (over UDP alone) or tls (over TCP alone)");
        }
        address.over = named->second;
        return {};
    }
    ours = false;
    return {};
}

}   // namespace

Result<LinkAddress> link_address(std::string_view text, const Settings& settings) {
    const Result<Url> url = parse_url(text);
    if (!url) {
        return std::unexpected(url.error());
    }
    LinkAddress address{.to = url->endpoint(), .trust = {.host = url->host}, .name = {}, .query = {}};
    address.name = url->target.substr(1, url->target.find('?') - 1);
    const std::string query = query_with_proof(*url);
    for (std::string_view rest{query}; !rest.empty();) {
        const std::string_view part = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(part.size() + 1, rest.size()));
        bool ours = false;
        if (const Result<> taken = take_own(part, address, settings, ours); !taken) {
            return std::unexpected(taken.error());
        }
        if (!ours) {
            address.query += fmt::format("{}{}", address.query.empty() ? "" : "&", part);
        }
    }
    if (address.name.empty()) {
        return fail(Errc::malformed, "the address names no stream, as in kcp://host:8910/live/cam");
    }
    return address;
}

}   // namespace millrace::session
