#pragma once

#include "capture/picture_maker.hpp"
#include "capture/source.hpp"
#include "protocol/media_link/link.hpp"

namespace millrace::apps {

/// The child's whole life on one thread. With a source it waits for the link and for the source's next
/// moment, whichever comes first; with a maker of pictures it answers what comes over the link. It ends when
/// the link does, when it is told to stop, and at its source's end.
class MediaChild {
public:
    /// Bytes that wait for the server; beyond it the source is left alone and falls behind, and
    /// nothing is read.
    static constexpr std::size_t backlog_max = std::size_t{16} << 20U;

    explicit MediaChild(int link);

    /// The program's exit code.
    int run();

private:
    bool converse();
    bool read_link();
    void obey(const media_link::Message& message);
    void start(const std::string& text);
    void command(const media_link::Command& command);
    void make_pictures(const media::AccessUnit& unit);
    void produce();
    void report();
    void say(const media_link::Message& message);
    void end(const capture::Fault* fault);
    Instant next_moment() const;
    bool write_link();
    bool is_over() const;
    bool has_room() const { return backlog_.size() - sent_ < backlog_max; }

    int socket_;
    media_link::Link link_;
    std::unique_ptr<capture::Source> source_;
    std::unique_ptr<capture::PictureMaker> maker_;   // instead of a source
    std::vector<std::byte> backlog_;
    std::size_t sent_ = 0;   // of the backlog
    std::uint64_t bytes_ = 0;
    Instant report_at_;
    bool ending_ = false;
};

}   // namespace millrace::apps
