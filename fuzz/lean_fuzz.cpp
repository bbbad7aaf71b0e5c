#include "archive/lean.hpp"
#include "archive/record.hpp"
#include "base/byte_reader.hpp"
#include "base/check.hpp"

#include <cstdint>

using namespace millrace;

/// A fragment that comes without its samples. The first two bytes are the size of the one chunk, the rest is
/// what stands before its samples, behind a record's head that is right; each unit that is asked for is
/// there, of 40 bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteReader reader{std::as_bytes(std::span{data, size})};
    const archive::RecordHead head{.body_size = reader.u16(), .timescale = 90'000};
    const ByteSpan front = reader.rest();
    const auto unit = std::make_shared<const media::AccessUnit>(
        media::AccessUnit{.config = std::make_shared<const media::TrackConfig>(),
                          .payload = Bytes{std::vector<std::byte>(40)}});
    const auto find = [&unit](media::TrackId, std::int64_t) { return unit; };
    std::vector<std::byte> lean{std::byte{0}};
    const std::vector<std::byte> bytes = archive::head_bytes(head, 1);
    lean.insert(lean.end(), bytes.begin(), bytes.end());
    lean.insert(lean.end(), front.begin(), front.end());
    const std::size_t whole = archive::head_size + head.body_size;
    const Result<Bytes> filled = archive::fill_records(lean, 1, whole, find);
    check(!filled || filled->size() == whole, "it is as long as was offered");
    (void)archive::fill_records(front, 1, whole, find);
    return 0;
}
