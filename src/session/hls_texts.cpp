#include "session/hls_texts.hpp"

#include <fmt/format.h>

namespace millrace::session {

namespace {

/// FNV-1a: a list differs from its predecessor at the same address, nothing more is asked of its tag.
std::string tag_of(std::string_view text) {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x0100'0000'01b3;
    }
    return fmt::format("\"{:016x}\"", hash);
}

}   // namespace

Result<ListText*> ListTexts::make(const Write& write) {
    const Result<std::string> text = write();
    if (!text) {
        return std::unexpected(text.error());
    }
    passing_ = {Bytes::copy(*text), tag_of(*text), std::nullopt};
    return &passing_;
}

ListText* ListTexts::known(const hub::SegmentListRef& list, const std::string& address) {
    const auto found = texts_.find(address);
    return found != texts_.end() && found->second.list.lock() == list ? &found->second.text : nullptr;
}

Result<ListText*> ListTexts::renew(const hub::SegmentListRef& list, const std::string& address,
                                   const Write& write) {
    const Result<ListText*> text = make(write);
    if (!text) {
        return text;
    }
    if (texts_.size() >= texts_max) {
        texts_.clear();
    }
    Kept& kept = texts_[address];
    kept = {list, std::move(passing_)};
    return &kept.text;
}

}   // namespace millrace::session
