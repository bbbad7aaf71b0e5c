#pragma once

#include "base/result.hpp"

namespace millrace {

/// Something that is ready to be read or written from time to time: a connection, a datagram socket. It lives
/// on one executor.
class Waitable {
public:
    /// Told once after each arming, on the owner's executor, never from inside the arming call, and never
    /// after what it waits for was destroyed. The result is an error once that was closed by us; a peer's
    /// end shows at the next read.
    class Waiter {
    public:
        virtual void on_ready(Result<> ready) = 0;

    protected:
        ~Waiter() = default;
    };

    virtual ~Waitable() = default;

    /// Arms (or with nullptr disarms) the one waiter of each direction.
    virtual void wait_readable(Waiter* waiter) = 0;
    virtual void wait_writable(Waiter* waiter) = 0;
};

}   // namespace millrace
