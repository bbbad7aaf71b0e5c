#pragma once

#include "base/hops.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "protocol/machine.hpp"
#include "protocol/rtsp/client_proofs.hpp"
#include "protocol/rtsp/message.hpp"
#include "protocol/rtsp/server.hpp"
#include "protocol/rtsp/transport.hpp"
#include "protocol/sdp/description.hpp"

#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace millrace::rtsp {

/// From a request to its answer. Those that only keep a session alive may go without.
constexpr Duration answer_time_max = 10s;
/// An answer with another number than the request's is taken where none with the right one comes so soon.
constexpr Duration stray_answer_wait = 1s;
/// A server that names a shorter time-out than this is heard no more often.
constexpr Duration keep_alive_min = 5s;

/// What a client wants of a server.
struct ClientOptions {
    std::string url;   ///< byte for byte as it is to be sent, without user and password
    std::string user;
    std::string password;
    std::string user_agent = "Millrace";
    /// Publish this; nothing: play. Its media lines need controls.
    std::optional<sdp::Description> announce;
    /// The nodes that ask, or that what is announced came through.
    Hops hops{};
};

/// The client's end of one connection: OPTIONS, DESCRIBE, then after choose() SETUP of each track and PLAY;
/// or ANNOUNCE, SETUP and RECORD. It keeps the session alive and answers what a server asks. Where a server
/// says no, `receive` fails and status() is what it said. Packets that come before the answer to PLAY are
/// given.
class Client {
public:
    /// Call choose(), at once or later.
    struct Described {
        sdp::Description description;
        Hops hops{};   ///< the nodes that it came through, as the server says
    };
    struct Started {
        std::vector<SetupTrack> tracks;
        std::vector<Server::TrackStart> starts;   ///< of RTP-Info, where it says them
    };
    using Packet = Server::Packet;
    /// 301, 302 or REDIRECT: whether to go there is the owner's to decide.
    struct Redirected {
        std::string url;
    };
    using Event = std::variant<Described, Started, Packet, Redirected>;

    /// A track to set up: over TCP, or over UDP to these ports of ours.
    struct Choice {
        unsigned track = 0;
        std::optional<Ports> ports;
    };

    Client(ClientOptions options, Random& random, Instant now);

    Result<> receive(ByteSpan bytes, Instant now);
    Result<> advance(Instant now);
    Instant deadline() const { return std::min({answer_due_, keep_alive_due_, stray_due_}); }
    std::optional<Event> next_event();
    std::vector<std::byte> next_output();

    /// What was announced is set up too, by this. Nothing chosen is Errc::unsupported.
    Result<> choose(std::span<const Choice> choices, Instant now);
    /// RTCP of ours, where the track's packets come over this connection.
    void send_control(unsigned track, ByteSpan packet);
    /// Says farewell; nothing is waited for.
    void tear_down();

    bool started() const { return state_ == State::started; }
    /// Those that are set up by now.
    const std::vector<SetupTrack>& tracks() const { return setups_; }
    /// Of the last answer that was no success; 0 = none.
    unsigned status() const { return status_; }
    const std::string& reason() const { return reason_; }
    /// The server's answers have other numbers (CSeq) than the requests; they are taken in their order.
    bool server_miscounts() const { return server_miscounts_; }

private:
    enum class State : std::uint8_t { opening, describing, choosing, setting_up, starting, started, ended };

    void ask(std::string_view method, const std::string& url, Headers headers = {}, std::string body = {});
    void send_request(Request request);
    Result<> take_response(Response response, Instant now);
    Result<> take_answer(const Response& response, Instant now);
    Result<> authenticate(const Response& response);
    Result<> take_success(const Response& response, Instant now);
    Result<> take_description(const Response& response);
    Result<> take_setup(const Response& response);
    void take_start(const Response& response);
    void take_request(const Request& request);
    void take_frame(Frame frame);
    void begin_session();
    void set_up_next();
    std::string track_url(unsigned track) const;
    void keep_alive(Instant now);

    ClientOptions options_;
    Random& random_;
    MessageReader reader_{MessageReader::Side::client};
    State state_ = State::opening;
    Request asked_;   // the one whose answer is waited for
    bool waiting_ = true;
    unsigned proofs_ = 0;   // that were sent with this request
    ClientProofs access_;
    std::uint32_t cseq_ = 0;
    std::optional<Response> stray_;   // with another number, while no better answer comes
    Instant stray_due_ = Instant::never();
    bool server_miscounts_ = false;
    bool has_get_parameter_ = false;
    std::string base_;
    std::string aggregate_;
    std::string session_;
    Duration timeout_ = 60s;
    sdp::Description description_;
    std::vector<Choice> choices_;
    std::vector<SetupTrack> setups_;
    unsigned status_ = 0;
    std::string reason_;
    Instant now_;
    Instant answer_due_;
    Instant keep_alive_due_ = Instant::never();
    std::deque<Event> events_;
    std::string output_;
};

static_assert(ProtocolMachine<Client>);

}   // namespace millrace::rtsp
