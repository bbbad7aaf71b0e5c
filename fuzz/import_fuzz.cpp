#include "archive/importer.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

using namespace millrace;

/// A file that somebody imports, in pieces of 61 bytes, up to what goes to the disk.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteSpan input = std::as_bytes(std::span{data, size});
    const bool told = size % 2 == 0;
    archive::Importer importer{"live/cam",
                               told ? std::optional{WallTime{1'800'000'000'000'000}} : std::nullopt, 1};
    const auto keep = [&importer] {
        while (auto one = importer.next()) {
            check(!one->chunks.empty() && !one->tracks.empty(), "a fragment has chunks of its tracks");
            const archive::Batch batch = importer.batch(std::move(*one));
            check(!batch.items.empty(), "a batch has what the fragment had");
        }
    };
    while (!input.empty()) {
        ByteSpan piece = input.first(std::min<std::size_t>(input.size(), 61));
        input = input.subspan(piece.size());
        while (!piece.empty()) {
            if (!importer.read(piece)) {
                return 0;
            }
            keep();
        }
    }
    (void)importer.finish();
    keep();
    return 0;
}
