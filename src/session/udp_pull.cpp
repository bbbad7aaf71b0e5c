#include "session/udp_pull.hpp"

#include "base/udp_address.hpp"
#include "base/waiting.hpp"
#include "container/ts_packet.hpp"
#include "protocol/rtp/reorder_buffer.hpp"
#include "session/http_fetch.hpp"
#include "session/media_reader.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace millrace::session {

namespace {

constexpr std::size_t datagrams_a_read = 32;
/// Seven packets of a transport stream fill an Ethernet frame; longer datagrams are cut, and so lost.
constexpr std::size_t datagram_max = 2048;
constexpr Duration reorder_wait = 100ms;   // of RTP
/// How often it looks whether it is to end: nothing else wakes a silent socket.
constexpr Duration look_around = 200ms;
constexpr Duration open_deadline = 10s;

/// Whole packets of a transport stream, and nothing else.
bool is_ts(ByteSpan bytes) {
    if (bytes.empty() || bytes.size() % ts::packet_size != 0) {
        return false;
    }
    for (std::size_t at = 0; at < bytes.size(); at += ts::packet_size) {
        if (bytes[at] != ts::sync_byte) {
            return false;
        }
    }
    return true;
}

/// Bare packets that come late are told by their counters of 16, which fit by chance now and then: the times
/// of what they bring go back a little. A sender that begins again goes back further, or says so.
class LateUnits {
public:
    /// Takes them out of what is new, which begins at `first`; how many there were.
    std::size_t take_out(std::vector<hub::PublishedItem>& items, std::size_t first) {
        const auto begin = items.begin() + static_cast<std::ptrdiff_t>(first);
        const auto late = std::remove_if(begin, items.end(), [this](const hub::PublishedItem& item) {
            const auto* unit = std::get_if<media::AccessUnit>(&item);
            return unit != nullptr && is_late(*unit);
        });
        const auto count = static_cast<std::size_t>(items.end() - late);
        items.erase(late, items.end());
        return count;
    }

private:
    bool is_late(const media::AccessUnit& unit) {
        const auto known = newest_.try_emplace(unit.track, unit.dts).first;
        const std::int64_t back = known->second - unit.dts;
        if (!unit.discontinuity && back > 0 && back < unit.config->timescale) {
            return true;
        }
        known->second = unit.dts;
        return false;
    }

    std::map<media::TrackId, std::int64_t> newest_;   // dts, of at most ts::streams_max tracks
};

/// One socket from its opening to its end.
class Pull {
public:
    Pull(Desk& desk, const SourceRule& rule, SourceLeash& leash, Datagrams& socket)
        : desk_{desk},
          socket_{socket},
          publisher_{desk, leash, "udp", rule.stream},
          buffer_(datagrams_a_read * datagram_max) {
        for (std::size_t i = 0; i < datagrams_a_read; ++i) {
            batch_[i].buffer = std::span{buffer_}.subspan(i * datagram_max, datagram_max);
        }
    }

    Task<SourceEnding> run();

private:
    Task<Result<>> converse();
    Result<bool> receive();
    void take(const Received& datagram);
    void take_packets(ByteSpan bytes);
    void take_bare(ByteSpan bytes);
    void take_rtp(ByteSpan bytes);
    void take_in_order();

    Desk& desk_;
    Datagrams& socket_;
    SourcePublisher publisher_;
    std::vector<std::byte> buffer_;
    std::array<Received, datagrams_a_read> batch_;
    std::unique_ptr<MediaReader> reader_ = read_ts();
    rtp::ReorderBuffer order_{reorder_wait};
    LateUnits late_;
    std::optional<PeerAddress> sender_;
    ReadMedia media_;
    std::size_t received_ = 0;
    Instant newest_;   // datagram of the sender's
};

void Pull::take_packets(ByteSpan bytes) {
    // A transport stream is read whatever its bytes are.
    [[maybe_unused]] const Result<> read = reader_->read(bytes, media_);
}

void Pull::take_bare(ByteSpan bytes) {
    const std::size_t first = media_.items.size();
    take_packets(bytes);
    media_.dropped += late_.take_out(media_.items, first);
}

void Pull::take_in_order() {
    while (const auto released = order_.pop(desk_.executor.now())) {
        if (const Result<rtp::Packet> packet = rtp::read_packet(released->packet)) {
            take_packets(packet->payload);
        }
    }
}

void Pull::take_rtp(ByteSpan bytes) {
    if (const Result<rtp::Packet> packet = rtp::read_packet(bytes)) {
        order_.push(bytes, packet->header.sequence, desk_.executor.now());
        take_in_order();
    }
}

void Pull::take(const Received& datagram) {
    const ByteSpan bytes = datagram.bytes();
    const bool bare = is_ts(bytes);
    if (!bare) {
        const Result<rtp::Packet> packet = rtp::read_packet(bytes);
        if (!packet || !is_ts(packet->payload)) {
            return;
        }
    }
    // Two senders mixed are no stream; who sends first is heard.
    if (!sender_) {
        sender_ = datagram.from;
        publisher_.hear(*sender_);
    }
    if (datagram.from != *sender_) {
        return;
    }
    newest_ = desk_.executor.now();
    received_ += bytes.size();
    bare ? take_bare(bytes) : take_rtp(bytes);
}

/// Whether something was there.
Result<bool> Pull::receive() {
    const Result<std::size_t> count = socket_.receive(batch_);
    if (!count) {
        return count.error().code == Errc::would_block ? Result<bool>{false} : std::unexpected(count.error());
    }
    for (const Received& datagram : std::span{batch_}.first(*count)) {
        take(datagram);
    }
    return true;
}

Task<Result<>> Pull::converse() {
    for (;;) {
        const Instant now = desk_.executor.now();
        const Instant wake = std::min(now + look_around, std::max(order_.deadline(), now + 1ms));
        const Result<> ready = co_await readable(socket_, desk_.executor, wake);
        if (!ready && ready.error().code != Errc::timed_out) {
            co_return ready;
        }
        const Result<bool> read = receive();
        if (!read) {
            co_return std::unexpected(read.error());
        }
        take_in_order();
        const Result<> published = co_await publish(publisher_, media_, std::exchange(received_, 0));
        if (!published) {
            co_return published;
        }
        if (publisher_.is_over()) {
            co_return fail(Errc::cancelled, "the source was stopped");
        }
        if (media_.ended && publisher_.began()) {
            co_return fail(Errc::closed, "the sender ended the stream");
        }
        if (sender_ && desk_.executor.now() >= newest_ + pull_patience) {
            co_return fail(Errc::timed_out, "nothing came from the sender for 10 s");
        }
    }
}

Task<SourceEnding> Pull::run() {
    const Result<> ended = co_await converse();
    publisher_.finish(media_.ended);
    co_return SourceEnding{.error = ended.error(), .words = {}};
}

}   // namespace

Task<SourceEnding> udp_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                            SourceLeash& leash) {
    const Result<Endpoint> local = parse_udp_address(rule.source);
    if (!local) {
        co_return SourceEnding{.error = local.error(), .words = {}, .lasting = true};
    }
    Answer<DatagramLink> answer{desk.executor};
    const Instant deadline = desk.executor.now() + open_deadline;
    means.connector.open_datagrams(desk.executor, {.to = {}, .local = *local, .deadline = deadline},
                                   answer.reply());
    const Result<DatagramLink> link = co_await answer.within(deadline);
    if (!link) {
        co_return SourceEnding{.error = link.error(), .words = {}};
    }
    Pull pull{desk, rule, leash, *link->first};
    co_return co_await pull.run();
}

}   // namespace millrace::session
