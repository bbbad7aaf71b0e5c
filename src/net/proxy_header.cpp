#include "net/proxy_header.hpp"

#include "base/byte_reader.hpp"

#include <algorithm>
#include <array>

namespace millrace::net {

namespace {

constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t fixed_size = 16;

// proxy-protocol.txt §2.2: the byte behind the version, and the one behind the command.
constexpr unsigned version_2 = 2;
constexpr unsigned command_local = 0;
constexpr unsigned command_proxy = 1;
constexpr std::uint8_t unspecified = 0x00;
constexpr std::uint8_t tcp_over_ipv4 = 0x11;
constexpr std::uint8_t tcp_over_ipv6 = 0x21;
constexpr std::uint8_t unix_stream = 0x31;

// §2.2.5: type PP2_TYPE_SSL, its bit PP2_CLIENT_SSL.
constexpr std::uint8_t type_ssl = 0x20;
constexpr unsigned client_by_tls = 1;

std::unexpected<Error> broken() {
    return fail(Errc::malformed, "a broken PROXY header");
}

PeerAddress read_ipv4(ByteReader& reader) {
    std::array<std::uint8_t, 4> ip{};
    std::ranges::generate(ip, [&] { return reader.u8(); });
    reader.skip(4);
    const std::uint16_t port = reader.u16();
    reader.skip(2);
    return PeerAddress::ipv4(ip, port);
}

PeerAddress read_ipv6(ByteReader& reader) {
    PeerAddress::Ip ip{};
    std::ranges::generate(ip, [&] { return reader.u8(); });
    reader.skip(16);
    const std::uint16_t port = reader.u16();
    reader.skip(2);
    return {ip, port};
}

/// The further words, of which we know one.
Result<bool> read_whether_encrypted(ByteReader& reader) {
    bool encrypted = false;
    while (reader.ok() && !reader.at_end()) {
        const std::uint8_t type = reader.u8();
        ByteReader value{reader.take(reader.u16())};
        if (type == type_ssl) {
            encrypted = (value.u8() & client_by_tls) != 0;
        }
    }
    return reader.ok() ? Result<bool>{encrypted} : broken();
}

}   // namespace

Result<ProxyScan> scan_proxy_header(ByteSpan bytes) {
    const std::size_t known = std::min(bytes.size(), signature.size());
    if (as_text(bytes.first(known)) != signature.substr(0, known)) {
        return ProxyScan{};
    }
    if (bytes.size() < fixed_size) {
        return ProxyScan{ProxyScan::Kind::incomplete, fixed_size, {}};
    }
    ByteReader fixed{bytes.subspan(signature.size(), fixed_size - signature.size())};
    const unsigned version_and_command = fixed.u8();
    const std::uint8_t family = fixed.u8();
    const std::size_t size = fixed_size + fixed.u16();
    const unsigned command = version_and_command & 0xFU;
    if (version_and_command >> 4U != version_2 || command > command_proxy) {
        return fail(Errc::malformed, "a PROXY header of another version than 2");
    }
    if (size > ProxyHeader::size_max) {
        return fail(Errc::malformed, "a PROXY header of more than 2 KB");
    }
    if (bytes.size() < size) {
        return ProxyScan{ProxyScan::Kind::incomplete, size, {}};
    }
    ProxyHeader header{.size = size, .source = {}};
    ByteReader rest{bytes.subspan(fixed_size, size - fixed_size)};
    // §2.2: with LOCAL, all that follows is to be skipped, whatever it says.
    if (command == command_local || family == unspecified) {
        return ProxyScan{ProxyScan::Kind::present, size, header};
    }
    switch (family) {
        case tcp_over_ipv4: header.source = read_ipv4(rest); break;
        case tcp_over_ipv6: header.source = read_ipv6(rest); break;
        case unix_stream: rest.skip(std::size_t{2} * 108); break;
        default: return fail(Errc::malformed, "a PROXY header about something else than a stream");
    }
    const Result<bool> encrypted = read_whether_encrypted(rest);
    if (!encrypted) {
        return std::unexpected(encrypted.error());
    }
    header.encrypted = *encrypted;
    return ProxyScan{ProxyScan::Kind::present, size, header};
}

}   // namespace millrace::net
