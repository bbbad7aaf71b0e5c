#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace millrace::net {

/// Room for objects that never move: chunks of 64 places and a list of the free ones. Chunks are given back
/// when the slab goes. Whoever creates an object destroys it, before the slab.
template <class T>
class Slab {
public:
    static constexpr std::size_t chunk_size = 64;

    Slab() = default;
    Slab(const Slab&) = delete;
    Slab& operator=(const Slab&) = delete;

    template <class... Args>
    T& create(Args&&... args) {
        if (free_ == nullptr) {
            add_chunk();
        }
        Place& place = *std::exchange(free_, free_->next);
        return *::new (place.bytes) T(std::forward<Args>(args)...);
    }
    void destroy(T& object) {
        object.~T();
        free_ = ::new (static_cast<void*>(&object)) Place{.next = free_};
    }
    std::size_t capacity() const { return chunks_.size() * chunk_size; }

private:
    union Place {
        Place* next;
        alignas(T) std::byte bytes[sizeof(T)];
    };

    void add_chunk() {
        chunks_.push_back(std::make_unique<Place[]>(chunk_size));
        for (std::size_t i = chunk_size; i-- > 0;) {
            Place& place = chunks_.back()[i];
            place.next = free_;
            free_ = &place;
        }
    }

    std::vector<std::unique_ptr<Place[]>> chunks_;
    Place* free_ = nullptr;
};

}   // namespace millrace::net
