#pragma once

#include "base/byte_writer.hpp"
#include "base/bytes.hpp"

#include <string_view>
#include <vector>

/// JPEGs as tests need them: with the markers of a picture, and coded data that is none.
namespace millrace::media::jpeg {

/// A marker and its segment.
inline std::vector<std::byte> segment(std::uint8_t code, ByteSpan body) {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    writer.u8(0xFF);
    writer.u8(code);
    writer.u16(static_cast<std::uint16_t>(body.size() + 2));
    writer.bytes(body);
    return out;
}

/// What a sample is made of; each part stands for itself, so that a test can break one.
struct Sample {
    std::vector<std::byte> tables;
    std::vector<std::byte> frame;
    std::vector<std::byte> scan;
    std::vector<std::byte> coded;
    std::vector<std::byte> end{std::byte{0xFF}, std::byte{0xD9}};

    explicit Sample(std::uint16_t width = 16, std::uint16_t height = 16, std::string_view data = "coded") {
        std::vector<std::byte> table(65, std::byte{1});
        table.front() = std::byte{0};
        tables = segment(0xDB, table);
        frame = frame_header(width, height);
        constexpr std::uint8_t scanned[] = {1, 1, 0x00, 0, 63, 0};
        scan = segment(0xDA, std::as_bytes(std::span{scanned}));
        coded.assign(as_bytes(data).begin(), as_bytes(data).end());
    }

    static std::vector<std::byte> frame_header(std::uint16_t width, std::uint16_t height) {
        std::vector<std::byte> body;
        ByteWriter writer{body};
        writer.u8(8);
        writer.u16(height);
        writer.u16(width);
        constexpr std::uint8_t one_component[] = {1, 1, 0x11, 0};   // id 1, table 0
        for (const std::uint8_t byte : one_component) {
            writer.u8(byte);
        }
        return segment(0xC0, body);
    }

    Bytes bytes() const {
        std::vector<std::byte> out{std::byte{0xFF}, std::byte{0xD8}};
        for (const auto* part : {&tables, &frame, &scan, &coded, &end}) {
            out.insert(out.end(), part->begin(), part->end());
        }
        return Bytes{std::move(out)};
    }
};

}   // namespace millrace::media::jpeg
