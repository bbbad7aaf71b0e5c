#include "sim/rtmp_turn.hpp"

#include "base/waiting.hpp"
#include "net/drive.hpp"

namespace millrace::sim {

Task<Result<>> rtmp_turn(RtmpEnd end, Instant until) {
    Executor& executor = end.world.clients();
    const Result<> flushed = co_await net::flush(end.connection, end.client, executor);
    if (!flushed) {
        co_return flushed;
    }
    const Result<> ready =
        co_await readable(end.connection, executor, std::min(until, end.client.deadline()));
    if (ready) {
        std::array<std::byte, 16U << 10U> buffer;
        const Result<std::size_t> count = end.connection.try_read(buffer);
        if (count) {
            const ByteSpan bytes = std::span{buffer}.first(*count);
            end.world.trace().note(executor.now(), end.who, bytes);
            co_return end.client.receive(bytes, executor.now());
        }
        co_return count.error().code == Errc::would_block ? Result<>{} : std::unexpected(count.error());
    }
    if (ready.error().code != Errc::timed_out) {
        co_return ready;
    }
    co_return end.client.advance(executor.now());
}

rtmp::Client::Options rtmp_options(rtmp::Client::Role role, const std::string& key, Random& chance) {
    constexpr std::array chunk_sizes{128U, 4'096U, 60'000U};
    return {.role = role,
            .app = "live",
            .tc_url = "rtmp://host/live",
            .key = key,
            .handshake = chance.below(2) == 0 ? rtmp::HandshakeKind::simple : rtmp::HandshakeKind::digest,
            .chunk_size = chunk_sizes.at(chance.below(chunk_sizes.size()))};
}

}   // namespace millrace::sim
