#pragma once

#include "base/time.hpp"
#include "net/descriptor.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace millrace::net {

/// A worker's descriptors in the kernel's list (epoll(7), edge-triggered), each with somebody who is told
/// when it may be read or written. Own thread only, but for `wake`.
///
/// An ask costs a call of the kernel, which then looks whether the descriptor is ready already. Whoever has
/// just read all there was says so (`drained`): the kernel speaks by itself when there is more, and nothing
/// is called.
///
/// A wake for each of many small pieces of news costs more than the news. The patient ones (`be_patient`)
/// stand in a list of their own, inside the other: while one or more a millisecond comes of them, nobody is
/// woken for it, but looks once a millisecond.
class Poller {
public:
    enum class Direction : std::uint8_t { read, write };

    class Owner {
    public:
        /// Once after each `ask` or `nudge` (several unanswered asks are one). May remove its place.
        virtual void on_ready(Direction direction) = 0;

    protected:
        ~Owner() = default;
    };

    struct Place;

    /// Throws std::runtime_error where the system gives no list.
    Poller();
    ~Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    /// Nothing where the kernel does not take it. The descriptor stays the caller's, open until `remove`.
    Place* add(int descriptor, Owner& owner);
    /// A place of no descriptor: who asks there is told soon.
    Place* add_nothing(Owner& owner);
    /// Its owner is told nothing any more.
    void remove(Place& place);
    /// Its descriptor leaves the list; what was asked is answered soon.
    void leave(Place& place);

    /// Tells when `direction` is ready, fails or hangs up.
    void ask(Place& place, Direction direction);
    /// Tells soon, whatever the descriptor's state.
    void nudge(Place& place, Direction direction);
    /// A read found less than it had room for, or nothing.
    void drained(Place& place);

    /// What comes there is nobody's question: it may wait for a millisecond while there is much of it.
    void be_patient(Place& place);

    /// Waits until something happens or somebody wakes it, for `span` at most (Duration::max(): for ever),
    /// and tells the owners. How many were told. `now` is about when it was called.
    std::size_t wait(Duration span, Instant now = {});
    static constexpr Duration gathered_for = 1ms;
    /// So long it looks how much comes before it changes between waking and looking.
    static constexpr Duration judged_every = 100ms;
    /// Ends a wait of another thread, or its next one.
    void wake() const;

private:
    struct News {
        Place* place;
        Direction direction;
        bool answers_ask;
    };

    int list_of(const Place& place) const;
    void judge(Instant now);
    std::size_t tell_patient();
    void arm(Place& place);
    std::size_t tell(Place& place, std::uint32_t events);
    std::size_t answer(Place& place, Direction direction);
    std::size_t tell_news();
    void bury();

    Descriptor list_;
    Descriptor bell_;
    Descriptor patient_;   // the inner list
    bool gathering_ = false;
    std::size_t patient_told_ = 0;   // since it was judged
    Instant judged_at_;
    std::vector<News> news_;
    std::vector<std::unique_ptr<Place>> gone_;   // an event that is under way may still speak of them
};

}   // namespace millrace::net
