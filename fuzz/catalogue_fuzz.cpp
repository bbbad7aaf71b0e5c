#include "archive/catalogue.hpp"
#include "archive/others.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <cstdint>

using namespace millrace;

/// What another node wrote into a catalogue: it is read back as it stands, and no list breaks of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteSpan bytes = std::as_bytes(std::span{data, size});
    const auto fragments = archive::read_packed_fragments(bytes);
    if (!fragments) {
        return 0;
    }
    std::vector<std::byte> again = archive::packed_fragments(*fragments);
    check(again.size() == bytes.size(), "nothing is added and nothing left out");
    archive::CatalogueFile file{.row = {.id = UINT64_C(5) << archive::file_id_bits | 7U,
                                        .facts = {},
                                        .state = archive::FileState::sealed,
                                        .home = archive::Home::bucket,
                                        .bucket = "b/"},
                                .fragments = *fragments,
                                .node = "n",
                                .address = {}};
    archive::Listing listing;
    archive::add_others(listing, {file},
                        {.span = {{0}, {INT64_MAX / 4}}, .count_max = 100, .bucket_root = "b/"});
    check(listing.fragments.size() <= 100, "a list is as long as was asked");
    check(std::ranges::is_sorted(listing.fragments, {}, [](const auto& one) { return one.fragment.utc; }),
          "and in order");
    return 0;
}
