#include "net/watch.hpp"

#include "net/loop.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <fcntl.h>

#include <array>
#include <vector>

namespace millrace::net {

struct Watch::Registration {
    using AsioDescriptor =
        boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

    AsioDescriptor descriptor;
    Owner* owner;
    Worker& worker;
    std::uint32_t holders = 1;     // the watch and each outstanding note
    std::array<bool, 2> asked{};   // by direction
};

/// A completion on its way: it keeps the registration, not the watch. The loop may also drop it unanswered.
class Watch::Note {
public:
    Note(Registration& registration, Direction direction, bool answers_ask)
        : registration_{&registration}, direction_{direction}, answers_ask_{answers_ask} {
        ++registration.holders;
    }
    Note(Note&& other) noexcept
        : registration_{std::exchange(other.registration_, nullptr)},
          direction_{other.direction_},
          answers_ask_{other.answers_ask_} {}
    Note& operator=(Note&&) = delete;
    ~Note() { let_go(registration_); }

    void operator()(const boost::system::error_code& /*error*/ = {}) const {
        if (answers_ask_) {
            registration_->asked[static_cast<std::size_t>(direction_)] = false;
        }
        if (registration_->owner != nullptr) {
            registration_->owner->on_ready(direction_);
        }
    }

    static void let_go(Registration* registration) {
        if (registration != nullptr && --registration->holders == 0) {
            delete registration;
        }
    }

private:
    Registration* registration_;
    Direction direction_;
    bool answers_ask_;
};

// Asio keeps its record of a descriptor for a later one, for ever. Records made one by one would lie between
// the memory of the connections they are for, and hold its pages when a crowd of them has gone. A device that
// is always ready has a record but no place in the kernel's list (epoll_ctl(2): EPERM).
void Watch::make_room(Worker& worker) {
    constexpr std::size_t records = 1024;
    const Descriptor always_ready{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    std::vector<Registration::AsioDescriptor> made;
    made.reserve(records);
    for (std::size_t i = 0; always_ready && i < records; ++i) {
        boost::system::error_code error;
        made.emplace_back(worker.loop().context).assign(always_ready.number(), error);
    }
    for (auto& one : made) {
        one.release();
    }
}

Watch::Watch(Worker& worker, Descriptor descriptor, Owner& owner)
    : registration_{new Registration{Registration::AsioDescriptor{worker.loop().context}, &owner, worker}} {
    ++worker.watched();
    boost::system::error_code error;
    registration_->descriptor.assign(descriptor.number(), error);
    if (!error) {
        descriptor_ = descriptor.release();
    }
}

Watch::~Watch() {
    registration_->owner = nullptr;
    --registration_->worker.watched();
    boost::system::error_code ignored;
    registration_->descriptor.close(ignored);
    Note::let_go(registration_);
}

void Watch::ask(Direction direction) {
    if (std::exchange(registration_->asked[static_cast<std::size_t>(direction)], true)) {
        return;
    }
    using boost::asio::posix::descriptor_base;
    registration_->descriptor.async_wait(
        direction == Direction::read ? descriptor_base::wait_read : descriptor_base::wait_write,
        Note{*registration_, direction, true});
}

void Watch::nudge(Direction direction) {
    boost::asio::post(registration_->descriptor.get_executor(), Note{*registration_, direction, false});
}

Descriptor Watch::release() {
    descriptor_ = -1;
    return registration_->descriptor.is_open() ? Descriptor{registration_->descriptor.release()}
                                               : Descriptor{};
}

}   // namespace millrace::net
