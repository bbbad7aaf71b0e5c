#pragma once

#include "net/descriptor.hpp"
#include "net/worker.hpp"

#include <cstdint>

namespace millrace::net {

/// A descriptor in a worker's event loop: it tells its owner when the descriptor may be read or written.
/// Own thread only. Nothing is told after its destruction.
class Watch {
public:
    enum class Direction : std::uint8_t { read, write };

    class Owner {
    public:
        /// Once after each `ask` or `nudge` (several unanswered asks are one). May destroy the watch.
        virtual void on_ready(Direction direction) = 0;

    protected:
        ~Owner() = default;
    };

    /// Lets the loop make room for many watches at once. On the worker's thread, before its first watch.
    static void make_room(Worker& worker);

    Watch(Worker& worker, Descriptor descriptor, Owner& owner);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    /// -1 once released.
    int descriptor() const { return descriptor_; }
    /// Tells when `direction` is ready, fails or hangs up; soon if the descriptor was released.
    void ask(Direction direction);
    /// Tells soon, whatever the descriptor's state.
    void nudge(Direction direction);
    /// Gives the descriptor away; what was asked is answered soon.
    Descriptor release();

private:
    struct Registration;
    class Note;
    Registration* registration_;   // lives until the last outstanding note is gone
    int descriptor_ = -1;          // the registration's, at hand for every write
};

}   // namespace millrace::net
