#pragma once

#include "archive/keeper.hpp"
#include "protocol/rtp/packetiser.hpp"
#include "protocol/rtsp/server.hpp"
#include "protocol/rtsp/track_payloads.hpp"
#include "session/archive_reading.hpp"
#include "session/archive_span.hpp"
#include "session/desk.hpp"
#include "session/rewind_klv.hpp"
#include "session/rewind_line.hpp"
#include "session/rtsp_datagrams.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace millrace::session {

/// The recording that an address names: rtsp://HOST/NAME/archive?from=&to=.
struct RewindAddress {
    std::string stream;
    AskedSpan asked;
};
/// Nothing where it names none. Errc::malformed for times that are none.
Result<std::optional<RewindAddress>> rewind_address(const rtsp::StreamAddress& address);

/// One player of what was recorded, by RTSP: reads a fragment when the one before has left, and lets packets
/// out at the pace of the recording, over its connection or by UDP. Owned by its conversation, on its thread.
///
/// Normal play time counts from the key picture at or before `from`, by the clock of capture, gaps and all.
class RtspRewind final : public hub::Sessions::Entry {
public:
    struct Ask {
        RewindAddress address;
        hub::Identity who;
    };
    /// Looks what there is. Errc::not_found: nothing was recorded then; unsupported: nothing of it travels by
    /// RTP; those of Keeper::list and ArchiveReading::read. `connection` outlives it.
    static Task<Result<std::unique_ptr<RtspRewind>>> open(Desk& desk, Connection& connection, Ask ask);

    RtspRewind(Desk& desk, Connection& connection, Ask ask);

    const sdp::Description& description() const { return offer_.description; }

    struct Started {
        std::vector<rtsp::Server::TrackStart> starts;
        rtsp::Server::Played played;
    };
    /// Plays what is wished, from the key picture at or before it; without a wish on from where it is.
    /// Errc::not_found: nothing was recorded from there on. `datagrams` where packets go by UDP; it outlives
    /// the playing.
    Task<Result<Started>> play(rtsp::Server::PlayStarted wish, RtspDatagrams* datagrams);
    void pause() { playing_ = false; }

    /// When step() has something to do.
    Instant deadline() const;
    /// Reads what is to be read, and makes or sends the packets that are due.
    Task<> step();
    /// What leaves over the connection now: at most frames_max and a picture.
    static constexpr std::size_t frames_max = 256U << 10U;
    std::vector<std::byte> take_frames();

    void end(Error reason) override;
    hub::SessionReport report() const override;

private:
    /// A track that was set up.
    struct Sending {
        unsigned track = 0;   ///< its place among the media lines
        media::TrackId id = 0;
        std::optional<std::uint8_t> channel;   ///< over the connection
        std::unique_ptr<rtp::Sender> sender;
        std::optional<Instant> reported;
    };

    Task<Result<archive::Listing>> list(archive::Span span, std::size_t count_max);
    Task<Result<>> look();
    Task<Result<>> seek(WallTime moment);
    Task<Result<archive::Listing>> around(WallTime moment);
    Task<Result<>> fetch();
    Task<Result<>> fill();
    Task<Result<>> refill();
    Result<> check_formats() const;
    void set_up(const std::vector<rtsp::SetupTrack>& tracks, bool by_connection);
    WallTime wished(const rtsp::Server::PlayStarted& wish) const;
    Started answer() const;

    void send_one(media::AccessUnit unit, Instant now);
    void report(Sending& to, Instant now);
    bool flush_datagrams(Instant now);
    void finish(std::string_view why);

    Desk& desk_;
    Connection& connection_;
    archive::Keeper& keeper_;
    archive::Span span_;
    bool open_ended_;
    ArchiveReading reading_;
    RewindKlv klv_;
    rtsp::Offer offer_;
    WallTime origin_;                // npt 0
    std::optional<WallTime> last_;   // where npt ends; nothing: it grows
    RtspDatagrams* datagrams_ = nullptr;

    std::vector<Sending> sending_;
    RewindLine line_;
    std::deque<archive::FoundFragment> ahead_;   // not read yet
    WallTime listed_to_;                         // behind them
    std::deque<media::AccessUnit> units_;        // of the fragment that was read
    WallTime start_;                             // of the last PLAY
    WallTime not_before_;                        // what shows earlier is not sent
    WallTime until_;                             // nor what shows from here on
    bool begun_ = false;
    bool playing_ = false;
    bool keys_only_ = false;
    Instant look_again_;   // where the recording grows, and all of it was sent

    struct Waiting {
        unsigned track = 0;
        bool control = false;
        std::vector<std::byte> bytes;
    };
    std::deque<Waiting> datagrams_waiting_;   // of one unit
    Instant retry_;
    std::vector<std::byte> frames_;
    std::uint64_t bytes_ = 0;
    std::uint64_t packets_ = 0;
};

}   // namespace millrace::session
