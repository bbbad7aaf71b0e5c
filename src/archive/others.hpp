#pragma once

#include "archive/archive.hpp"
#include "archive/catalogue.hpp"

#include <string_view>
#include <vector>

namespace millrace::archive {

/// What is asked of other nodes.
struct OthersAsk {
    Span span;
    std::size_t count_max = 0;      ///< fragments of the listing, with those that are added
    std::string_view bucket_root;   ///< see CatalogueMeans
};

/// Whether other nodes can add nothing to what this one has of that time.
bool is_whole(const Listing& ours, Span span);

/// Puts into a listing what other nodes have where this one has nothing: what lies in the bucket becomes
/// fragments, and the gaps there end; what lies on another's disk alone stands in `elsewhere`. The revision
/// is another one for other additions, and the same for none. `files` come in order of their begin; of two
/// that have a moment the first counts. A pure function.
void add_others(Listing& listing, const std::vector<CatalogueFile>& files, const OthersAsk& ask);

}   // namespace millrace::archive
