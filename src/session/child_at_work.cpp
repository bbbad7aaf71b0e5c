#include "session/child_at_work.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "protocol/media_link/link.hpp"

#include <algorithm>
#include <array>

namespace millrace::session {

namespace {

using media_link::Link;

constexpr Duration spawn_deadline = 10s;
constexpr std::size_t read_size = std::size_t{64} << 10U;
/// Reads a wake, so that one child does not keep the worker to itself.
constexpr int reads_per_wake = 8;

}   // namespace

/// The conversation with one child, from its start to its death.
class ChildAtWork::Talk final {
public:
    Talk(Executor& home, std::unique_ptr<Child> child, Listener& listener, Reply<bool> ended)
        : home_{home},
          child_{std::move(child)},
          link_{Link::Side::server, home.now()},
          listener_{listener},
          ended_{std::move(ended)} {}
    Talk(const Talk&) = delete;
    Talk& operator=(const Talk&) = delete;
    ~Talk() {
        child_->link().wait_readable(nullptr);
        child_->link().wait_writable(nullptr);
    }

    void begin(const std::string& start) {
        [[maybe_unused]] const Result<> said = link_.send(media_link::Start{start});
        child_->link().wait_readable(&reader_);
        write();
        home_.timers().arm(silence_, link_.deadline());
    }
    bool offer(const media::AccessUnit& unit) {
        return out_.size() - sent_ + link_.output_size() <= under_way_max && say(unit);
    }
    bool say(const media_link::Message& message) {
        if (over_ || !greeted_) {
            return false;
        }
        const bool said = link_.send(message).has_value();
        write();
        return said;
    }
    /// Nothing follows: the listener hears no more.
    void end(Error why) {
        if (!std::exchange(over_, true)) {
            error_ = why;
            ended_.give(true);
        }
    }
    /// Why it ended, in the child's words where it had any.
    std::string_view why() const { return words_.empty() ? error_.what : std::string_view{words_}; }
    bool lasting() const { return lasting_; }
    bool fruitful() const { return fruitful_; }

private:
    struct Reader final : Connection::Waiter {
        explicit Reader(Talk& its_talk) : talk{its_talk} {}
        void on_ready(Result<> ready) override { talk.read(ready); }
        Talk& talk;
    };
    struct Writer final : Connection::Waiter {
        explicit Writer(Talk& its_talk) : talk{its_talk} {}
        void on_ready(Result<> ready) override { ready ? talk.write() : talk.end(ready.error()); }
        Talk& talk;
    };

    void read(Result<> ready);
    void take_events();
    void take(media_link::Message message);
    void write();
    void fall_silent() { end({Errc::timed_out, "the child says nothing"}); }

    Executor& home_;
    std::unique_ptr<Child> child_;
    Link link_;
    Listener& listener_;
    Reply<bool> ended_;
    std::vector<std::byte> out_;   // what the link said, as far as it has not left
    std::size_t sent_ = 0;
    Error error_{Errc::closed, "the child died"};
    std::string words_;
    bool greeted_ = false;
    bool lasting_ = false;
    bool fruitful_ = false;
    bool over_ = false;
    Reader reader_{*this};
    Writer writer_{*this};
    Alarm<Talk, &Talk::fall_silent> silence_{*this};
};

void ChildAtWork::Talk::read(Result<> ready) {
    if (!ready) {
        return end(ready.error());
    }
    std::vector<std::byte> buffer(read_size);
    for (int i = 0; i < reads_per_wake && !over_; ++i) {
        const Result<std::size_t> count = child_->link().try_read(buffer);
        if (!count && count.error().code == Errc::would_block) {
            break;
        }
        const Result<> heard = count ? link_.receive(std::span{buffer}.first(*count), home_.now())
                                     : Result<>{std::unexpected(count.error())};
        take_events();
        if (!heard) {
            return end(heard.error());
        }
    }
    if (!over_) {
        child_->link().wait_readable(&reader_);
        home_.timers().arm(silence_, link_.deadline());
    }
}

void ChildAtWork::Talk::take_events() {
    while (!over_) {
        std::optional<media_link::Message> message = link_.next_event();
        if (!message) {
            return;
        }
        take(std::move(*message));
    }
}

void ChildAtWork::Talk::take(media_link::Message message) {
    if (std::holds_alternative<media_link::Hello>(message)) {
        greeted_ = true;
        listener_.on_ready();
    } else if (auto* fault = std::get_if<media_link::Fault>(&message)) {
        words_ = log::escaped(fault->words, media_link::fault_bytes_max);
        lasting_ = fault->lasting;
        if (lasting_) {
            end({Errc::unsupported, "the child cannot do it"});
        }
    } else if (std::holds_alternative<media_link::End>(message)) {
        end({Errc::closed, "the child ended"});
    } else {
        fruitful_ = fruitful_ || std::holds_alternative<media::AccessUnit>(message) ||
                    std::holds_alternative<media_link::Picture>(message);
        listener_.on_message(std::move(message));
    }
}

void ChildAtWork::Talk::write() {
    while (!over_) {
        if (sent_ == out_.size()) {
            sent_ = 0;
            out_ = link_.next_output();
            if (out_.empty()) {
                return;
            }
        }
        const std::array slices{std::span{std::as_const(out_)}.subspan(sent_)};
        const Result<std::size_t> written = child_->link().try_write(slices);
        if (!written) {
            if (written.error().code == Errc::would_block) {
                child_->link().wait_writable(&writer_);
            } else {
                end(written.error());
            }
            return;
        }
        sent_ += *written;
    }
}

/// What the coroutine does: children one after the other, until nobody orders any more. It lives in the
/// coroutine, and its owner knows it for as long as both are there.
class ChildAtWork::Work {
public:
    struct Start {
        ChildAtWork& owner;
        Executor& home;
        Spawner& spawner;
        ChildOrder order;
        Listener& listener;
    };
    explicit Work(Start start)
        : owner_{&start.owner},
          home_{start.home},
          spawner_{start.spawner},
          order_{std::move(start.order)},
          listener_{&start.listener} {
        owner_->work_ = this;
    }
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    ~Work() {
        if (owner_ != nullptr) {
            owner_->work_ = nullptr;
        }
    }

    static Task<> run(Start start);
    bool offer(const media::AccessUnit& unit) { return talk_ != nullptr && talk_->offer(unit); }
    bool say(const media_link::Message& message) { return talk_ != nullptr && talk_->say(message); }
    void dismiss() {
        owner_ = nullptr;
        listener_ = nullptr;
        if (talk_ != nullptr) {
            talk_->end({Errc::cancelled, "nobody watches"});
        }
    }

private:
    /// Shows a talk to those who offer, for as long as it lives.
    struct Lent {
        Lent(Talk*& its_place, Talk& talk) : place{its_place} { place = &talk; }
        Lent(const Lent&) = delete;
        Lent& operator=(const Lent&) = delete;
        ~Lent() { place = nullptr; }
        Talk*& place;
    };

    Task<> live_once();
    /// Whether another child may do better.
    bool goes_on(std::string_view why, bool lasting, bool fruitful);

    Task<> live();

    ChildAtWork* owner_;
    Executor& home_;
    Spawner& spawner_;
    ChildOrder order_;
    Listener* listener_;     // null: dismissed
    Talk* talk_ = nullptr;   // the coroutine's
    Duration pause_ = pause_min;
    int fruitless_ = 0;
    bool given_up_ = false;
    std::string why_;   // the last one broke
};

Task<> ChildAtWork::Work::live_once() {
    Answer<std::unique_ptr<Child>> spawned{home_};
    spawner_.spawn(home_, {.memory = order_.memory}, spawned.reply());
    Result<std::unique_ptr<Child>> child = co_await spawned.within(home_.now() + spawn_deadline);
    if (listener_ == nullptr) {
        co_return;
    }
    if (!child) {
        given_up_ = !goes_on(child.error().what, false, false);
        co_return;
    }
    Answer<bool> ended{home_};
    Talk talk{home_, std::move(*child), *listener_, ended.reply()};
    const Lent lent{talk_, talk};
    talk.begin(order_.start);
    [[maybe_unused]] const Result<bool> over = co_await ended.within(Instant::never());
    if (listener_ != nullptr) {
        given_up_ = !goes_on(talk.why(), talk.lasting(), talk.fruitful());
    }
}

bool ChildAtWork::Work::goes_on(std::string_view why, bool lasting, bool fruitful) {
    fruitless_ = fruitful ? 0 : fruitless_ + 1;
    const bool last = lasting || fruitless_ >= fruitless_max;
    why_ = why;
    log::warning(order_.who, "{}: the child that {} broke: {}; {}", order_.stream, order_.does, why,
                 last ? "it is given up" : "another one follows");
    return !last;
}

Task<> ChildAtWork::Work::live() {
    while (listener_ != nullptr && !given_up_) {
        const Instant began = home_.now();
        co_await live_once();
        if (home_.now() - began > pause_max) {
            pause_ = pause_min;
        }
        if (listener_ != nullptr && !given_up_) {
            co_await sleep_until(home_, home_.now() + pause_);
            pause_ = std::min(2 * pause_, pause_max);
        }
    }
    if (listener_ != nullptr) {
        listener_->on_failed(why_);
    }
}

Task<> ChildAtWork::Work::run(Start start) {
    Work work{std::move(start)};
    co_await work.live();
}

ChildAtWork::ChildAtWork(Executor& home, Spawner& spawner, ChildOrder order, Listener& listener) {
    home.tasks().spawn(Work::run({*this, home, spawner, std::move(order), listener}));
}

ChildAtWork::~ChildAtWork() {
    if (work_ != nullptr) {
        work_->dismiss();
    }
}

bool ChildAtWork::offer(const media::AccessUnit& unit) {
    return work_ != nullptr && work_->offer(unit);
}

bool ChildAtWork::say(const media_link::Message& message) {
    return work_ != nullptr && work_->say(message);
}

}   // namespace millrace::session
