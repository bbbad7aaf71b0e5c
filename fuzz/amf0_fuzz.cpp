#include "base/check.hpp"
#include "container/amf0.hpp"

#include <cstddef>
#include <cstdint>

using namespace millrace;

/// Whatever is read must be written and read again as the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteSpan input = std::as_bytes(std::span{data, size});
    const auto written = [](const std::vector<amf0::Value>& values) {
        std::vector<std::byte> bytes;
        ByteWriter writer{bytes};
        for (const amf0::Value& value : values) {
            amf0::write(writer, value);
        }
        return bytes;
    };
    const Result<std::vector<amf0::Value>> values = amf0::read_all(input);
    if (!values) {
        return 0;
    }
    const std::vector<std::byte> once = written(*values);
    const Result<std::vector<amf0::Value>> again = amf0::read_all(once);
    check(again.has_value(), "what was written is read");
    check(written(*again) == once, "what was read is written the same");
    return 0;
}
