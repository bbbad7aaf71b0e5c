#include "sim/publisher.hpp"

#include "base/waiting.hpp"
#include "net/drive.hpp"
#include "sim/rtmp_turn.hpp"

namespace millrace::sim {

namespace {

constexpr Duration fault_after = 1s;

rtmp::MediaType media_type(flv::TagType type) {
    switch (type) {
        case flv::TagType::audio: return rtmp::MediaType::audio;
        case flv::TagType::video: return rtmp::MediaType::video;
        case flv::TagType::script: break;
    }
    return rtmp::MediaType::data;
}

Bytes with_a_bit_flipped(const Bytes& body) {
    std::vector<std::byte> bytes(body.begin(), body.end());
    bytes.back() ^= std::byte{2};
    return Bytes{std::move(bytes)};
}

}   // namespace

Publisher::Publisher(World& world, Plan plan)
    : world_{world}, plan_{std::move(plan)}, who_{world.next_number()} {
    world_.start(run(*this));
}

Task<> Publisher::run(Publisher& self) {
    World& world = self.world_;
    co_await sleep_until(world.clients(), world.now() + self.plan_.after);
    const auto connection = world.connect_rtmp(self.plan_.link);
    rtmp::Client client{world.chance(),
                        rtmp_options(rtmp::Client::Role::publish, self.plan_.key, world.chance()),
                        world.now()};
    const Result<> published = co_await self.publish(*connection, client);
    if (published && self.plan_.end == End::closed) {
        connection->close();
    }
    if (self.state_ != State::refused) {
        self.state_ = State::ended;
    }
    self.ended_at_ = world.now();
}

Task<Result<>> Publisher::publish(Connection& connection, rtmp::Client& client) {
    while (state_ == State::joining) {
        const Result<> heard = co_await listen_until(connection, client, world_.now() + 1s);
        if (!heard) {
            co_return heard;
        }
    }
    if (state_ == State::live) {
        const Result<> sent = co_await send_media(connection, client);
        if (!sent) {
            co_return sent;
        }
        state_ = State::done;
    }
    if (plan_.end == End::said) {
        client.end();
    }
    // The server hangs up.
    Result<> heard;
    while (heard && (plan_.end != End::closed || state_ == State::refused)) {
        heard = co_await listen_until(connection, client, world_.now() + 60s);
    }
    co_return heard;
}

Task<Result<>> Publisher::send_media(Connection& connection, rtmp::Client& client) {
    Camera camera{plan_.camera, number_};
    const Instant start = world_.now();
    Shot shot = camera.next();
    while (shot.at < plan_.length) {
        const Instant due = start + shot.at;
        if (world_.now() < due) {
            const Result<> heard = co_await listen_until(connection, client, due);
            if (!heard) {
                co_return heard;
            }
            continue;
        }
        send(client, shot);
        shot = camera.next();
    }
    const Result<> flushed = co_await net::flush(connection, client, world_.clients());
    co_return flushed;
}

void Publisher::send(rtmp::Client& client, const Shot& shot) {
    rtmp::Media media{media_type(shot.type), shot.timestamp_ms(), shot.body};
    if (shot.coded) {
        world_.ledger().write(number_, shot, world_.now());
    }
    if (held_back_ && shot.type == flv::TagType::video) {
        const Shot earlier = *std::exchange(held_back_, std::nullopt);
        client.send(media);
        client.send({media_type(earlier.type), earlier.timestamp_ms(), earlier.body});
        return;
    }
    const bool here = shot.type == flv::TagType::video && shot.coded && !shot.key && shot.at >= fault_after;
    if (here && plan_.fault != Fault::none && !std::exchange(fault_done_, true)) {
        switch (plan_.fault) {
            case Fault::none: break;
            case Fault::loses: return;
            case Fault::swaps: held_back_ = shot; return;
            case Fault::flips_a_bit: media.body = with_a_bit_flipped(media.body); break;
            case Fault::repeats: client.send(media); break;
            case Fault::shifts_time: media.timestamp_ms += 10; break;
        }
    }
    client.send(media);
}

Task<Result<>> Publisher::listen_until(Connection& connection, rtmp::Client& client, Instant until) {
    const Result<> turn = co_await rtmp_turn({world_, connection, client, who_}, until);
    const Result<> taken = take_events(client);
    co_return turn ? taken : turn;
}

Result<> Publisher::take_events(rtmp::Client& client) {
    while (auto event = client.next_event()) {
        if (std::holds_alternative<rtmp::Client::PublishStarted>(*event)) {
            state_ = State::live;
            number_ = world_.ledger().new_publication(plan_.key);
            live_since_ = world_.now();
        } else if (auto* refused = std::get_if<rtmp::Client::Refused>(&*event)) {
            state_ = State::refused;
            refusal_ = std::move(refused->code);
            return fail(Errc::refused, "the server refused the publisher");
        }
    }
    return {};
}

}   // namespace millrace::sim
