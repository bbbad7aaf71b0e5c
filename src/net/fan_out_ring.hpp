#pragma once

#include <utility>

namespace millrace::net {

/// A place in a ring of others; a ring's head is one too. An object that derives from it is in one ring at
/// most, and leaves it when destroyed.
class Ring {
public:
    Ring() = default;
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring() { unlink(); }

    bool alone() const { return next_ == this; }
    Ring* next() const { return next_; }
    void unlink() {
        previous_->next_ = next_;
        next_->previous_ = previous_;
        previous_ = next_ = this;
    }
    /// Moves `other` to this ring's end, as seen from this head.
    void push_back(Ring& other) {
        other.unlink();
        other.previous_ = std::exchange(previous_, &other);
        other.next_ = this;
        other.previous_->next_ = &other;
    }

private:
    Ring* previous_ = this;
    Ring* next_ = this;
};

}   // namespace millrace::net
