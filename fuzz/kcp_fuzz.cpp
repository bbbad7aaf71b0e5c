#include "base/check.hpp"
#include "protocol/kcp/conversation.hpp"
#include "protocol/kcp/parity_receiver.hpp"

#include <cstdint>

// The first byte chooses the mode, and whether more room is sought. Then steps, each behind two bytes: how
// long its input is, and what it is: 1 = a datagram as it stands; 2 = one of parity; 4 = the time goes on by
// that many ms; else we send it.

namespace {

using namespace millrace;

constexpr std::string_view modes[] = {"video", "messages", "video_fec", "turbo", "default"};

struct Session {
    kcp::Conversation conversation;
    kcp::ParityReceiver parity;
    std::size_t mtu;
    Instant now;

    void take(std::uint8_t kind, ByteSpan bytes) {
        if ((kind & 4U) != 0) {
            now = now + static_cast<std::int64_t>(bytes.size()) * 1ms;
            conversation.advance(now);
        } else if ((kind & 2U) != 0) {
            take_parity(bytes);
        } else if ((kind & 1U) != 0) {
            static_cast<void>(conversation.receive(bytes, now));
        } else {
            static_cast<void>(conversation.send(Bytes::copy(bytes), now));
        }
        drain();
    }
    void take_parity(ByteSpan bytes) {
        const Result<kcp::ParityMessage> message = kcp::read_parity(bytes);
        if (!message) {
            return;
        }
        std::vector<kcp::ParityReceiver::Given> given;
        parity.take(*message, given);
        for (const kcp::ParityReceiver::Given& one : given) {
            static_cast<void>(conversation.receive(one.bytes, now, one.origin));
        }
    }
    void drain() {
        while (conversation.next_message()) {
        }
        while (const auto out = conversation.next_output()) {
            check(!out->bytes.empty() && out->bytes.size() <= mtu, "datagrams of the size that we promise");
            std::vector<kcp::Segment> segments;
            check(kcp::read_datagram(out->bytes, 0, segments).has_value(), "datagrams that can be read");
        }
        check(conversation.in_flight() <= conversation.settings().send_window, "a window that is kept");
    }
};

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) {
        return 0;
    }
    kcp::Settings settings = *kcp::named_mode(modes[data[0] % std::size(modes)]);
    settings.mtu = (data[0] & 0x80U) != 0 ? 100 : 1'400;
    settings.receive_window = 16;
    Session session{kcp::Conversation{settings, Instant{}}, {}, settings.mtu, Instant{}};
    session.conversation.seek_more((data[0] & 0x40U) != 0);
    ByteSpan input = std::as_bytes(std::span{data, size}).subspan(1);
    while (input.size() > 2) {
        const std::size_t length =
            std::min<std::size_t>(static_cast<std::size_t>(input[0]), input.size() - 2);
        session.take(static_cast<std::uint8_t>(input[1]), input.subspan(2, length));
        input = input.subspan(2 + length);
    }
    for (int i = 0; i < 20 && session.conversation.deadline() != Instant::never(); ++i) {
        session.now = std::max(session.now, session.conversation.deadline());
        session.conversation.advance(session.now);
        session.drain();
    }
    return 0;
}
