#include "session/kcp_bare.hpp"

#include "base/log.hpp"
#include "protocol/kcp/conversation.hpp"
#include "session/media_reader.hpp"
#include "session/refused.hpp"

#include <algorithm>
#include <array>

namespace millrace::session {

namespace {

constexpr std::string_view protocol = "kcp";
/// How often a conversation looks whether it is to end: an end wakes nobody.
constexpr Duration look_around = 200ms;
constexpr Duration review_every = 1s;

kcp::Settings settings_of(std::uint32_t conv) {
    kcp::Settings settings = kcp::Settings{}.for_plain_peer();
    settings.conv = conv;
    settings.stream = true;
    settings.receive_window = KcpBare::window;
    return settings;
}

}   // namespace

/// One peer while it is heard: what it sends goes to its stream. It lives in its coroutine.
class KcpBare::Conversation {
public:
    Conversation(KcpBare& port, const Key& key, const std::string& stream)
        : port_{port},
          key_{key},
          publisher_{port.desk_, leash_, protocol, stream},
          kcp_{settings_of(key.conv), port.desk_.executor.now()},
          begun_{port.desk_.executor.now()} {
        port_.entries_.at(key_).conversation = this;
    }
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;
    ~Conversation() { port_.entries_.at(key_).conversation = nullptr; }

    void hear(ByteSpan datagram);
    Task<Error> run();

private:
    Instant now() const { return port_.desk_.executor.now(); }
    Task<Result<>> get_in();
    Task<Result<>> take_in();
    Result<> judge() const;
    Task<> wait();
    void on_due();
    void pump();

    KcpBare& port_;
    const Key key_;
    SourceLeash leash_;
    SourcePublisher publisher_;
    kcp::Conversation kcp_;
    std::unique_ptr<MediaReader> reader_ = read_ts();
    ReadMedia media_;
    std::size_t unread_ = 0;   // bytes before it became a publisher
    Instant begun_;
    bool let_in_ = false;   // before, it is answered nothing
    Reply<bool> bell_;
    Alarm<Conversation, &Conversation::on_due> due_{*this};
};

void KcpBare::Conversation::hear(ByteSpan datagram) {
    [[maybe_unused]] const Result<> taken = kcp_.receive(datagram, now());   // it counts what it refuses
    pump();
    bell_.give(true);
}

void KcpBare::Conversation::on_due() {
    kcp_.advance(now());
    pump();
}

void KcpBare::Conversation::pump() {
    if (!let_in_) {
        return;
    }
    while (const std::optional<kcp::Outgoing> out = kcp_.next_output()) {
        port_.send(key_.peer, out->bytes);
    }
    port_.desk_.executor.timers().arm(due_, kcp_.deadline());
}

Task<Result<>> KcpBare::Conversation::get_in() {
    Desk& desk = port_.desk_;
    if (const Result<> room = desk.has_room(); !room) {
        co_return room;
    }
    hub::Petition petition{.action = hub::Action::publish,
                           .stream = publisher_.facts().stream,
                           .protocol = protocol,
                           .peer = key_.peer.endpoint()};
    const Result<hub::Admitted> admitted =
        co_await hub::ask(desk.admission, std::move(petition), desk.executor);
    if (!admitted) {
        co_return std::unexpected(admitted.error());
    }
    publisher_.came_from(key_.peer.endpoint(), admitted->identity);
    let_in_ = true;
    co_return Result<>{};
}

/// What can be read of it goes to the stream. While that has enough, nothing is taken from KCP, whose window
/// then tells the peer.
Task<Result<>> KcpBare::Conversation::take_in() {
    std::size_t received = 0;
    while (const auto message = kcp_.next_message()) {
        received += message->size();
        // A transport stream is read whatever its bytes are.
        [[maybe_unused]] const Result<> read = reader_->read(*message, media_);
    }
    pump();
    unread_ += publisher_.began() ? 0 : received;
    co_return co_await publish(publisher_, media_, received);
}

Result<> KcpBare::Conversation::judge() const {
    if (publisher_.is_over()) {
        return fail(Errc::cancelled, "it was ended");
    }
    if (kcp_.broken() || kcp_.dead()) {
        return fail(Errc::malformed, "its KCP cannot go on");
    }
    if (now() >= port_.entries_.at(key_).newest + silence_max) {
        return fail(Errc::timed_out, "nothing came for 10 s");
    }
    if (!publisher_.began() && (unread_ > unread_max || now() >= begun_ + begin_max)) {
        return fail(Errc::malformed, "what it sends is no MPEG-TS with a stream in it");
    }
    return {};
}

Task<> KcpBare::Conversation::wait() {
    Answer<bool> rung{port_.desk_.executor};
    bell_ = rung.reply();
    [[maybe_unused]] const Result<bool> woken = co_await rung.within(now() + look_around);
}

Task<Error> KcpBare::Conversation::run() {
    if (const Result<> in = co_await get_in(); !in) {
        note_refusal(port_.desk_, protocol, key_.peer.endpoint(), in.error());
        co_return in.error();
    }
    for (;;) {
        if (const Result<> taken = co_await take_in(); !taken) {
            co_return taken.error();
        }
        if (const Result<> good = judge(); !good) {
            co_return good.error();
        }
        co_await wait();
    }
}

KcpBare::KcpBare(Desk& desk, std::unique_ptr<Datagrams> socket) : desk_{desk}, socket_{std::move(socket)} {
}

std::size_t KcpBare::heard() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(entries_, [](const auto& one) { return one.second.conversation != nullptr; }));
}

void KcpBare::on_ready(Result<> ready) {
    if (!ready) {
        return;
    }
    batch_.read(*socket_, [this](const Received& one) {
        ++counters_.datagrams;
        take(one);
    });
    socket_->wait_readable(this);
}

void KcpBare::take(const Received& received) {
    const Result<std::uint32_t> conv = kcp::conversation_of(received.bytes());
    if (!conv || received.truncated) {
        ++counters_.strangers;
        return;
    }
    const Key key{received.from, *conv};
    auto found = entries_.find(key);
    if (found == entries_.end()) {
        const std::string* const stream = desk_.settings->kcp_stream(*conv);
        if (stream == nullptr || !may_begin(key, received.bytes())) {
            ++counters_.strangers;
            return;
        }
        found = entries_.emplace(key, Entry{.newest = desk_.executor.now()}).first;
        desk_.executor.timers().arm(second_, desk_.executor.now() + review_every);
        desk_.executor.tasks().spawn(converse(key, *stream));
    }
    found->second.newest = desk_.executor.now();
    if (Conversation* const heard = found->second.conversation) {
        heard->hear(received.bytes());
    }
}

/// Whether it carries data that a fresh window takes, and there is room for it.
bool KcpBare::may_begin(const Key& key, ByteSpan datagram) const {
    std::vector<kcp::Segment> segments;
    const Result<> read = kcp::read_datagram(datagram, key.conv, segments);
    const bool fresh = read && std::ranges::any_of(segments, [](const kcp::Segment& segment) {
                           return segment.command == kcp::Command::push && segment.sn < window;
                       });
    if (!fresh) {
        return false;
    }
    std::size_t all = 0;
    std::size_t of_host = 0;
    for (const auto& [other, entry] : entries_) {
        all += entry.conversation != nullptr ? 1 : 0;
        of_host += entry.conversation != nullptr && other.peer.host() == key.peer.host() ? 1 : 0;
    }
    return all < conversations_max && of_host < per_host_max && entries_.size() - all < deaf_max;
}

Task<> KcpBare::converse(Key key, std::string stream) {
    Conversation conversation{*this, key, stream};
    const Error why = co_await conversation.run();
    log::info(protocol, "{} of {} is not heard any more: {}", key.peer.text(), stream, why.what);
}

void KcpBare::send(const PeerAddress& to, ByteSpan datagram) {
    const std::array slices{datagram};
    std::array batch{Datagram{.peer = to, .slices = slices}};
    [[maybe_unused]] const Result<std::size_t> sent = socket_->send(batch);   // what is lost is sent again
}

void KcpBare::review() {
    const Instant now = desk_.executor.now();
    std::erase_if(entries_, [now](const auto& one) {
        return one.second.conversation == nullptr && now >= one.second.newest + silence_max;
    });
    if (!entries_.empty()) {
        desk_.executor.timers().arm(second_, now + review_every);
    }
}

}   // namespace millrace::session
