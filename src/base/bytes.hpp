#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

using ByteSpan = std::span<const std::byte>;

inline ByteSpan as_bytes(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}
inline std::string_view as_text(ByteSpan bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// An immutable slice of memory that is shared, never copied: cheap to pass by value, safe on any thread.
class Bytes {
public:
    Bytes() = default;
    /// Takes the vector; no copy.
    explicit Bytes(std::vector<std::byte> bytes) {
        auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
        view_ = *owner;
        owner_ = std::move(owner);
    }
    static Bytes copy(ByteSpan bytes) { return Bytes{std::vector<std::byte>(bytes.begin(), bytes.end())}; }
    static Bytes copy(std::string_view text) { return copy(as_bytes(text)); }
    /// Memory that lives as long as the program: nothing is copied or owned.
    static Bytes lasting(ByteSpan bytes) {
        Bytes whole;
        whole.view_ = bytes;
        return whole;
    }

    /// A part of this slice, sharing its memory; offset and length must lie inside.
    Bytes slice(std::size_t offset, std::size_t length) const {
        Bytes part{*this};
        part.view_ = view_.subspan(offset, length);
        return part;
    }

    const std::byte* data() const { return view_.data(); }
    std::size_t size() const { return view_.size(); }
    bool empty() const { return view_.empty(); }
    ByteSpan span() const { return view_; }
    operator ByteSpan() const { return view_; }   // NOLINT(google-explicit-constructor): it is one
    auto begin() const { return view_.begin(); }
    auto end() const { return view_.end(); }

    friend bool operator==(const Bytes& a, const Bytes& b) {
        return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
    }

private:
    std::shared_ptr<const void> owner_;
    ByteSpan view_;
};

}   // namespace millrace
