#include "net/datagram_hall.hpp"

#include "net/datagram_viewing.hpp"

namespace millrace::net {

DatagramHall::DatagramHall(Executor& executor, const Sockets& sockets, const Bells& bells)
    : executor{executor}, bells_{bells}, rtp_{.socket = sockets.rtp}, rtcp_{.socket = sockets.rtcp} {
}

DatagramHall::~DatagramHall() {
    rtp_.socket.wait_writable(nullptr);
}

void DatagramHall::send(DatagramViewing& viewing, const FrameRuns& of, const FrameRuns::Run& run) {
    const std::optional<PeerAddress> peer = viewing.peer_of(run.channel);
    if (!peer) {
        return;
    }
    Batch& batch = run.channel % 2 == 0 ? rtp_ : rtcp_;
    batch.datagrams[batch.count] = {
        .peer = *peer, .slices = of.slices(run), .segment_size = run.segment_size};
    batch.of[batch.count] = {&viewing, &of == &fronts ? nullptr : &run};
    if (++batch.count == batch.datagrams.size()) {
        flush();
    }
}

std::size_t DatagramHall::flush(Batch& batch) {
    std::span<Datagram> rest = std::span{batch.datagrams}.first(batch.count);
    const std::uint64_t sent_before = batch.socket.counters().sent;
    while (!rest.empty()) {
        ++counters.sends;
        const Result<std::size_t> taken = batch.socket.send(rest);
        if (!taken) {
            break;
        }
        rest = rest.subspan(*taken);
    }
    counters.packets += batch.socket.counters().sent - sent_before;
    const std::size_t went = batch.count - rest.size();
    for (std::size_t i = 0; i < went; ++i) {
        const std::size_t size = batch.datagrams[i].size();
        Seat::Counters& seat = batch.of[i].viewing->counters();
        counters.bytes_out += size;
        seat.bytes_out += size;
        ++seat.writes;
        seat.blocked = false;
    }
    return went;
}

void DatagramHall::flush() {
    const std::size_t went = full_ ? 0 : flush(rtp_);
    for (std::size_t i = went; i < rtp_.count; ++i) {
        const auto [viewing, run] = rtp_.of[i];
        viewing->counters().blocked = true;
        if (run == nullptr) {
            counters.lost += rtp_.datagrams[i].segments();
        } else {
            viewing->step_back(run->begin_of_rest(rtp_.datagrams[i].gone));
        }
    }
    if (went < rtp_.count && !full_) {
        full_ = true;
        ++counters.blocks;
        rtp_.socket.wait_writable(this);
    }
    rtp_.count = 0;
    // A report that finds no room is worth nothing later.
    for (std::size_t i = flush(rtcp_); i < rtcp_.count; ++i) {
        counters.lost += rtcp_.datagrams[i].segments();
    }
    rtcp_.count = 0;
}

void DatagramHall::on_ready(Result<> ready) {
    full_ = !ready;
    executor.timers().arm(bells_.room, executor.now());
}

void DatagramHall::show_out(DatagramViewing& viewing) {
    leaving.push_back(viewing);
    if (!bells_.door.armed()) {
        executor.timers().arm(bells_.door, executor.now());
    }
}

}   // namespace millrace::net
