#include "protocol/kcp/parity.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

namespace millrace::kcp {

// The layer below KCP between our own ends; the numbers are big-endian.
//
//    plain    0 | datagram
//    covered  1 | number 4 | datagram
//    parity   2 | newest 4 | span 1 | salt 1 | sum of (length 2, datagram, zeros)
//    report   3 | arrived 2 | lost 2 | bursts 2

namespace {

enum class Kind : std::uint8_t { plain, covered, parity, report };

template <class... Each>
struct Overloaded : Each... {
    using Each::operator()...;
};

}   // namespace

Result<ParityMessage> read_parity(ByteSpan datagram) {
    ByteReader reader{datagram};
    const auto kind = static_cast<Kind>(reader.u8());
    ParityMessage message;
    if (kind == Kind::plain) {
        message = PlainDatagram{reader.rest()};
    } else if (kind == Kind::covered) {
        const std::uint32_t number = reader.u32();
        message = CoveredDatagram{number, reader.rest()};
        if (reader.rest().size() > parity_datagram_max) {
            return fail(Errc::malformed, "a datagram under parity is too long");
        }
    } else if (kind == Kind::parity) {
        ParityDatagram parity;
        parity.newest = reader.u32();
        parity.span = reader.u8();
        parity.salt = reader.u8();
        parity.sum = reader.rest();
        if (parity.span == 0 || parity.span > parity_span_max || parity.sum.size() < 2 ||
            parity.sum.size() > parity_datagram_max + 2) {
            return fail(Errc::malformed, "a parity datagram covers nothing, or too much");
        }
        message = parity;
    } else if (kind == Kind::report) {
        message = ParityReport{reader.u16(), reader.u16(), reader.u16()};
    } else {
        return fail(Errc::malformed, "an unknown kind of datagram under parity");
    }
    if (!reader.ok()) {
        return fail(Errc::malformed, "a datagram under parity is too short");
    }
    return message;
}

std::vector<std::byte> written(const ParityMessage& message) {
    const std::size_t body =
        std::visit(Overloaded{[](const PlainDatagram& plain) { return plain.bytes.size(); },
                              [](const CoveredDatagram& covered) { return covered.bytes.size(); },
                              [](const ParityDatagram& parity) { return parity.sum.size(); },
                              [](const ParityReport& /*report*/) { return std::size_t{0}; }},
                   message);
    std::vector<std::byte> out;
    out.reserve(parity_header + body);
    ByteWriter writer{out};
    writer.u8(static_cast<std::uint8_t>(message.index()));
    std::visit(Overloaded{[&writer](const PlainDatagram& plain) { writer.bytes(plain.bytes); },
                          [&writer](const CoveredDatagram& covered) {
                              writer.u32(covered.number);
                              writer.bytes(covered.bytes);
                          },
                          [&writer](const ParityDatagram& parity) {
                              writer.u32(parity.newest);
                              writer.u8(parity.span);
                              writer.u8(parity.salt);
                              writer.bytes(parity.sum);
                          },
                          [&writer](const ParityReport& report) {
                              writer.u16(report.arrived);
                              writer.u16(report.lost);
                              writer.u16(report.bursts);
                          }},
               message);
    return out;
}

std::uint8_t parity_factor(std::uint32_t number, std::uint32_t newest, std::uint8_t salt) {
    std::uint32_t mixed = number * 0x9E37'79B1U ^ (newest * 0x85EB'CA77U + salt * 0xC2B2'AE3DU);
    mixed = (mixed ^ mixed >> 15U) * 0x2C1B'3C6DU;
    mixed = (mixed ^ mixed >> 12U) * 0x297A'2D39U;
    mixed ^= mixed >> 15U;
    return static_cast<std::uint8_t>(1 + mixed % 255);
}

}   // namespace millrace::kcp
