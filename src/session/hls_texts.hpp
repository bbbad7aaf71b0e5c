#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "hub/segment_list.hpp"
#include "protocol/http/kept_answers.hpp"
#include "session/settings.hpp"

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

    /// The answers that were made of it under these settings.
    http::KeptAnswers& answers_under(const std::shared_ptr<const Settings>& current) {
        if (settings.lock() != current) {
            answers.clear();
            settings = current;
        }
        return answers;
    }
    http::KeptAnswers answers{};
    std::weak_ptr<const Settings> settings{};
};

/// The texts of lists, written and coded once for all who poll. One a worker, on its thread.
class ListTexts {
public:
    static constexpr std::size_t texts_max = 4096;   ///< then all are forgotten: each is asked for again soon

    using Write = std::function<Result<std::string>()>;

    /// The text at `address`, written by `write` where `list` has changed since. It stands until the next
    /// call.
    Result<ListText*> find(const hub::SegmentListRef& list, const std::string& address, const auto& write) {
        ListText* const known = this->known(list, address);
        return known != nullptr ? known : renew(list, address, write);
    }
    /// A text that serves one answer alone, such as one with a viewer's proof in it; it stands until the next
    /// call.
    Result<ListText*> make(const Write& write);

private:
    ListText* known(const hub::SegmentListRef& list, const std::string& address);
    Result<ListText*> renew(const hub::SegmentListRef& list, const std::string& address, const Write& write);

    struct Kept {
        std::weak_ptr<const hub::SegmentList> list;   // weak: a list holds its segments
        ListText text;
    };
    std::unordered_map<std::string, Kept> texts_;   // by address
    ListText passing_;
};

}   // namespace millrace::session
