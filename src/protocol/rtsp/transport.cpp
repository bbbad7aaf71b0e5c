#include "protocol/rtsp/transport.hpp"

#include "base/web.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace millrace::rtsp {

namespace {

std::string_view trimmed(std::string_view text) {
    const std::size_t from = text.find_first_not_of(" \t\"");
    return from == std::string_view::npos ? std::string_view{}
                                          : text.substr(from, text.find_last_not_of(" \t\"") - from + 1);
}

std::string_view cut(std::string_view& rest, char separator) {
    const std::size_t end = std::min(rest.find(separator), rest.size());
    const std::string_view front = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return front;
}

std::optional<std::uint32_t> number(std::string_view text, int base) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

/// "4-5", or "4" for the same; the second is one more than the first.
template <class T>
std::optional<Pair<T>> read_pair(std::string_view text) {
    const bool one = text.find('-') == std::string_view::npos;
    const std::optional<std::uint32_t> first = number(cut(text, '-'), 10);
    const std::optional<std::uint32_t> second = one && first ? *first + 1 : number(trimmed(text), 10);
    if (!first || !second || *second != *first + 1 || *second > std::numeric_limits<T>::max()) {
        return std::nullopt;
    }
    return Pair<T>{static_cast<T>(*first), static_cast<T>(*second)};
}

std::optional<Ports> read_ports(std::string_view text) {
    const std::optional<Ports> ports = read_pair<std::uint16_t>(text);
    return ports && ports->rtp != 0 && ports->rtp % 2 == 0 ? ports : std::nullopt;
}

/// False: the choice cannot be used.
bool read_field(std::string_view field, Transport& transport) {
    const std::string_view name = cut(field, '=');
    const std::string_view value = trimmed(field);
    if (web::same_name(name, "multicast")) {
        transport.lower = Transport::Lower::multicast;
    } else if (web::same_name(name, "interleaved")) {
        transport.channels = read_pair<std::uint8_t>(value);
        return transport.channels.has_value();
    } else if (web::same_name(name, "client_port")) {
        transport.client_ports = read_ports(value);
        return transport.client_ports.has_value();
    } else if (web::same_name(name, "server_port") || web::same_name(name, "port")) {
        // A server may have any two; only what is beyond 65535 is nonsense.
        transport.server_ports = read_pair<std::uint16_t>(value);
    } else if (web::same_name(name, "ssrc")) {
        transport.ssrc = number(value, 16);
    } else if (web::same_name(name, "source")) {
        transport.source = value;
    } else if (web::same_name(name, "destination")) {
        transport.destination = value;
    } else if (web::same_name(name, "mode")) {
        transport.record = web::same_name(value, "record") || web::same_name(value, "receive");
    }
    return true;
}

}   // namespace

// RFC 2326 §12.39:  profile[/lower] *(";" parameter), by commas
std::vector<Transport> read_transports(std::string_view header) {
    std::vector<Transport> transports;
    for (std::size_t read = 0; !header.empty() && read < transports_max; ++read) {
        std::string_view choice = cut(header, ',');
        const std::string_view profile = cut(choice, ';');
        Transport transport;
        const bool tcp = web::same_name(profile, "RTP/AVP/TCP") || web::same_name(profile, "RTP/AVPF/TCP");
        const bool udp = web::same_name(profile, "RTP/AVP") || web::same_name(profile, "RTP/AVP/UDP") ||
                         web::same_name(profile, "RTP/AVPF") || web::same_name(profile, "RTP/AVPF/UDP");
        transport.lower = tcp ? Transport::Lower::tcp : Transport::Lower::udp;
        bool usable = tcp || udp;
        while (usable && !choice.empty()) {
            usable = read_field(cut(choice, ';'), transport);
        }
        if (usable) {
            transports.push_back(std::move(transport));
        }
    }
    return transports;
}

std::string write(const Transport& transport) {
    std::string out = transport.lower == Transport::Lower::tcp ? "RTP/AVP/TCP" : "RTP/AVP";
    out += transport.lower == Transport::Lower::multicast ? ";multicast" : ";unicast";
    out += transport.destination.empty() ? "" : ";destination=" + transport.destination;
    if (transport.channels) {
        out += fmt::format(";interleaved={}-{}", transport.channels->rtp, transport.channels->rtcp);
    }
    if (transport.client_ports) {
        out += fmt::format(";client_port={}-{}", transport.client_ports->rtp, transport.client_ports->rtcp);
    }
    if (transport.server_ports) {
        const bool group = transport.lower == Transport::Lower::multicast;
        out += fmt::format(";{}={}-{}", group ? "port" : "server_port", transport.server_ports->rtp,
                           transport.server_ports->rtcp);
    }
    out += transport.ttl != 0 ? fmt::format(";ttl={}", transport.ttl) : "";
    if (transport.ssrc) {
        out += fmt::format(";ssrc={:08X}", *transport.ssrc);
    }
    out += transport.record ? ";mode=record" : "";
    return out;
}

}   // namespace millrace::rtsp
