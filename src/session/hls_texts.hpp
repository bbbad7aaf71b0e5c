#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "hub/segment_list.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace millrace::session {

/// A list as it leaves.
struct ListText {
    Bytes plain;
    std::string tag;             ///< a strong ETag of the text alone: the same on every worker and node
    std::optional<Bytes> gzip;   ///< once somebody took it
};
using ListTextRef = std::shared_ptr<ListText>;

/// The texts of lists, written and coded once for all who poll. One a worker, on its thread. Lists whose
/// addresses carry one viewer's proof are not among them.
class ListTexts {
public:
    static constexpr std::size_t texts_max = 4096;   ///< then all are forgotten: each is asked for again soon

    using Write = std::function<Result<std::string>()>;

    /// The text at `address`, written by `write` where `list` has changed since it was.
    Result<ListTextRef> find(const hub::SegmentListRef& list, const std::string& address, const Write& write);
    /// A text for one answer alone.
    static Result<ListTextRef> make(const Write& write);

private:
    struct Kept {
        std::weak_ptr<const hub::SegmentList> list;   // weak: a list holds its segments
        ListTextRef text;
    };
    std::unordered_map<std::string, Kept> texts_;   // by address
};

}   // namespace millrace::session
