#include "session/ts_push.hpp"

#include "base/url.hpp"
#include "base/waiting.hpp"
#include "container/ts_muxer.hpp"
#include "hub/derived_feed.hpp"
#include "session/log_bell.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace millrace::session {

namespace {

constexpr std::string_view form = "udp-push";
constexpr std::size_t datagram_size = 7 * ts::packet_size;   // what fits into one Ethernet frame
/// A burst is so many datagrams, or a part of what waits, whichever is more.
constexpr std::size_t burst_datagrams = 16;
constexpr std::size_t burst_part = 20;
constexpr std::size_t burst_datagrams_max = Datagrams::bytes_max / datagram_size;
constexpr Duration burst_pause = 1ms;
/// How often it is looked whether it is still wanted, where nothing comes.
constexpr Duration look_every = 500ms;
/// How long the socket may take nothing.
constexpr Duration patience = 5s;

/// The value of a key behind the '?' of a target; empty if it is not there.
std::string_view query_field(std::string_view target, std::string_view key) {
    std::size_t at = target.find('?');
    while (at < target.size()) {
        std::string_view field = target.substr(at + 1);
        field = field.substr(0, field.find('&'));
        if (field.substr(0, field.find('=')) == key && field.size() > key.size()) {
            return field.substr(key.size() + 1);
        }
        at += field.size() + 1;
    }
    return {};
}

Result<DatagramDial> dial_of(const Url& url, Instant deadline) {
    DatagramDial dial{.to = url.endpoint(), .deadline = deadline};
    const std::string_view ttl = query_field(url.target, "ttl");
    if (!ttl.empty()) {
        const auto [end, error] = std::from_chars(ttl.data(), ttl.data() + ttl.size(), dial.hops);
        if (error != std::errc{} || end != ttl.data() + ttl.size() || dial.hops == 0) {
            return fail(Errc::malformed, "ttl is a number from 1 to 255");
        }
    }
    dial.interface = query_field(url.target, "interface");
    return dial;
}

hub::Flavour flavour_for(const std::string& stream) {
    return hub::flavour_of({.form = form, .only = {}}, [stream] { return Pushed<ts::Muxer>{stream}; });
}

/// A destination's place in the log, and what it is sent from there.
class Sending {
public:
    Sending(hub::Joined& joined, DatagramLink& link)
        : log_{*joined.log}, counters_{joined.seat->counters}, link_{link} {}

    /// Sends a burst. True: more waits. Errc::would_block: the socket takes nothing.
    Result<bool> send();
    bool is_done() const { return log_.ended() && cursor_ == log_.head(); }

private:
    void enter();
    Result<std::size_t> send(std::span<const ByteSpan> slices);

    LogView& log_;
    Seat::Counters& counters_;
    DatagramLink& link_;
    std::optional<std::uint64_t> cursor_;   // nothing: it waits for its first entrance
    std::uint64_t passed_ = 0;              // pictures of the log before it
    Bytes resume_;
};

/// Begins, or goes on where the log has forgotten its place.
void Sending::enter() {
    if (cursor_ && *cursor_ >= log_.tail()) {
        return;
    }
    const Entrance* const entrance = log_.newest_entrance();
    if (entrance == nullptr) {
        cursor_ = cursor_ ? std::optional{log_.head()} : std::nullopt;
        return;
    }
    if (cursor_) {
        ++counters_.skips;
        counters_.bytes_skipped += entrance->offset - *cursor_;
    }
    counters_.pictures.end(passed_);
    counters_.pictures.begin(passed_ = log_.pictures_until(entrance->offset));
    cursor_ = entrance->offset;
    resume_ = entrance->resume;
}

Result<std::size_t> Sending::send(std::span<const ByteSpan> slices) {
    std::array batch{Datagram{.peer = link_.to, .slices = slices, .segment_size = datagram_size}};
    const Result<std::size_t> taken = link_.first->send(batch);
    if (!taken && batch.front().gone == 0) {
        return taken;
    }
    const std::size_t sent = taken && *taken == 1 ? batch.front().size() : batch.front().gone;
    counters_.bytes_out += sent;
    ++counters_.writes;
    return sent;
}

Result<bool> Sending::send() {
    enter();
    if (!resume_.empty()) {
        const ByteSpan resume = resume_.span();
        if (const Result<std::size_t> sent = send(std::span{&resume, 1}); !sent) {
            return std::unexpected(sent.error());
        }
        resume_ = {};
    }
    if (!cursor_ || *cursor_ == log_.head()) {
        return false;
    }
    const std::uint64_t waits = log_.head() - *cursor_;
    const std::uint64_t datagrams =
        std::clamp<std::uint64_t>(waits / burst_part / datagram_size, burst_datagrams, burst_datagrams_max);
    std::array<ByteSpan, Datagrams::slices_max> slices;
    const std::size_t count =
        log_.gather(*cursor_, *cursor_ + std::min(waits, datagrams * datagram_size), slices);
    const Result<std::size_t> sent = send(std::span{slices}.first(count));
    if (!sent) {
        return std::unexpected(sent.error());
    }
    *cursor_ += *sent;
    counters_.place = *cursor_;
    passed_ = log_.pictures_until(*cursor_);
    return *cursor_ < log_.head();
}

Task<ForwardEnding> carry(Desk& desk, ForwardCourse& course, hub::Joined& joined, DatagramLink& link) {
    LogBell bell{*joined.log, desk.executor};
    Sending sending{joined, link};
    Instant taken_at = desk.executor.now();
    while (!course.is_stopped() && !joined.seat->is_ended()) {
        const Result<bool> more = sending.send();
        const Instant now = desk.executor.now();
        if (!more && (more.error().code != Errc::would_block || now - taken_at > patience)) {
            co_return ForwardEnding{.error = more.error(), .words = {}};
        }
        if (!more) {
            [[maybe_unused]] const Result<> ready =
                co_await writable(*link.first, desk.executor, now + look_every);
            continue;
        }
        taken_at = now;
        if (*more) {
            co_await sleep_until(desk.executor, now + burst_pause);
            continue;
        }
        if (sending.is_done()) {
            co_return ForwardEnding{
                .error = {Errc::closed, "the stream ended"}, .words = {}, .stream_ended = true};
        }
        co_await bell.until(now + look_every);
    }
    co_return ForwardEnding{.error = {Errc::cancelled, "this session was ended"}, .words = {}};
}

}   // namespace

Task<ForwardEnding> ts_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course) {
    const Result<Url> url = parse_url(course.rule().to);
    const Instant deadline = desk.executor.now() + forward_setup_max;
    Result<DatagramDial> dial = url ? dial_of(*url, deadline) : std::unexpected{url.error()};
    if (!dial) {
        co_return ForwardEnding{.error = dial.error(), .words = {}, .lasting = true};
    }
    Answer<DatagramLink> answer{desk.executor};
    means.connector.open_datagrams(desk.executor, std::move(*dial), answer.reply());
    Result<DatagramLink> link = co_await answer.within(deadline);
    if (!link) {
        co_return ForwardEnding{.error = link.error(), .words = {}};
    }
    Result<hub::Joined> joined =
        co_await course.join(flavour_for(course.rule().stream), form, link->to.endpoint());
    if (!joined) {
        co_return ForwardEnding{.error = joined.error(), .words = {}};
    }
    course.begin(*joined->seat);
    auto carrying = carry(desk, course, *joined, *link);
    ForwardEnding ending = co_await carrying;
    course.count(*joined->seat);
    course.let_go();
    joined->seat->leave(ending.error);
    co_return ending;
}

}   // namespace millrace::session
