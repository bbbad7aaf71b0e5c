#pragma once

#include "capture/picture_maker.hpp"
#include "capture/source.hpp"
#include "playback/player.hpp"
#include "protocol/media_link/link.hpp"

namespace millrace::apps {

/// The child's whole life on one thread. With a source it waits for the link and for the source's next
/// moment, whichever comes first; with a maker of pictures it answers what comes over the link; with a player
/// it shows that at its moment. It ends when the link does, when it is told to stop, and at its source's end.
class MediaChild {
public:
    /// Bytes that wait for the server; beyond it the source is left alone and falls behind, and
    /// nothing is read.
    static constexpr std::size_t backlog_max = std::size_t{16} << 20U;

    /// `memory` is where a picture ring is, if the server gave one.
    MediaChild(int link, int memory);

    /// The program's exit code.
    int run();
    /// Whether threads of the source may still wait for a device: then the process ends without them.
    bool may_be_stuck() const { return source_ != nullptr && source_->doorbell() >= 0; }

private:
    bool converse();
    bool read_link();
    void obey(const media_link::Message& message);
    void start(const std::string& text);
    void command(const media_link::Command& command);
    void make_pictures(const media::AccessUnit& unit);
    void announce();
    void produce();
    void play();
    void report();
    void say(const media_link::Message& message);
    void end(const capture::Fault* fault);
    Instant next_moment() const;
    bool write_link();
    bool is_over() const;
    bool has_room() const { return backlog_.size() - sent_ + link_.output_size() < backlog_max; }

    int socket_;
    int memory_;
    media_link::Link link_;
    std::unique_ptr<capture::Source> source_;
    std::unique_ptr<capture::PictureMaker> maker_;   // instead of a source
    std::unique_ptr<playback::Player> player_;       // likewise
    std::vector<std::byte> backlog_;
    std::size_t sent_ = 0;   // of the backlog
    std::uint64_t bytes_ = 0;
    Instant report_at_;
    bool rung_ = false;   // the source's doorbell
    bool announced_ = false;
    bool ending_ = false;
};

}   // namespace millrace::apps
