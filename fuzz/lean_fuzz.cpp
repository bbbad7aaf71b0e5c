#include "archive/lean.hpp"
#include "archive/record.hpp"
#include "base/byte_reader.hpp"
#include "base/check.hpp"

#include <cstdint>

using namespace millrace;

/// A fragment that comes without its samples and results. The first two bytes are the size of the one chunk;
/// how its record goes, which else stands in front of the head, is the third; the rest is what stands behind
/// a head that is right. Each unit that is asked for is there, of 40 bytes, and each result with an even key.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteReader reader{std::as_bytes(std::span{data, size})};
    const archive::RecordHead head{.body_size = reader.u16(), .timescale = 90'000};
    const auto how = static_cast<std::byte>(reader.u8() % 4);
    const ByteSpan front = reader.rest();
    const auto unit = std::make_shared<const media::AccessUnit>(
        media::AccessUnit{.config = std::make_shared<const media::TrackConfig>(),
                          .payload = Bytes{std::vector<std::byte>(40)}});
    const archive::LiveMedia live{
        .unit = [&unit](media::TrackId, std::int64_t) { return unit; },
        .message =
            [](std::uint64_t key) {
                return key % 2 == 0 ? std::optional{media::TimedMessage{.body = Bytes::copy("{}")}}
                                    : std::nullopt;
            }};
    std::vector<std::byte> lean{how};
    const std::vector<std::byte> bytes = archive::head_bytes(head, 1);
    lean.insert(lean.end(), bytes.begin(), bytes.end());
    lean.insert(lean.end(), front.begin(), front.end());
    const std::size_t whole = archive::head_size + head.body_size;
    const Result<Bytes> filled = archive::fill_records(lean, 1, whole, live);
    check(!filled || filled->size() == whole, "it is as long as was offered");
    (void)archive::fill_records(front, 1, whole, live);
    return 0;
}
