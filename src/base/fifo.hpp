#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace millrace {

/// What waits to be taken soon, in order. Its memory stays from one time to the next, so that nothing is
/// allocated where a little comes often; what a burst needed is given back. The owner bounds it.
template <class T>
class Fifo {
public:
    static constexpr std::size_t kept_max = 16;   ///< places that stay

    bool empty() const { return taken_ == items_.size(); }
    std::size_t size() const { return items_.size() - taken_; }
    void push_back(T item) { items_.push_back(std::move(item)); }
    template <class... Parts>
    void emplace_back(Parts&&... parts) {
        items_.emplace_back(std::forward<Parts>(parts)...);
    }
    /// The oldest; not of an empty one.
    T pop() {
        T item = std::move(items_[taken_++]);
        if (empty()) {
            clear();
        }
        return item;
    }
    void clear() {
        taken_ = 0;
        if (items_.capacity() > kept_max) {
            items_ = std::vector<T>{};   // `= {}` would keep the room
        } else {
            items_.clear();
        }
    }

private:
    std::vector<T> items_;
    std::size_t taken_ = 0;   // of the front: moved from
};

}   // namespace millrace
