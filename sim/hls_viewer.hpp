#pragma once

#include "container/m3u8_playlist.hpp"
#include "container/mp4_reader.hpp"
#include "container/ts_reader.hpp"
#include "sim/viewer.hpp"

namespace millrace::sim {

/// Polls the lists of /live/KEY and fetches what they name over one connection, until they end. Its account
/// is written when it goes, for tracks come a segment at a time: in each track in the order in which they
/// came, the tracks put together as the publisher sent them.
class HlsViewer final : public Viewer {
public:
    enum class Form : std::uint8_t { ts, cmaf };
    static constexpr Duration poll_interval = 1s;
    static constexpr int patience = 30;   ///< requests that are answered with 503, one after another

    HlsViewer(World& world, ViewerPlan plan, Form form);

    std::size_t segments() const { return segments_; }

private:
    /// One media list, and how far it was read.
    struct Media {
        std::string path;
        std::optional<std::uint64_t> next;   // number of the segment; nothing: from the first listed
        std::string init;                    // the newest that was read
        std::optional<mp4::Reader> fragments;
        ts::Reader packets;
        bool ended = false;
    };
    struct Page {
        int status = 0;
        std::vector<std::byte> body;
    };
    struct Came {
        media::AccessUnit unit;
        Instant at;
        std::string run;
    };

    static Task<> run(HlsViewer& self);
    Task<Result<>> play();
    Task<Result<Page>> ask(std::string path);
    Task<Result<Page>> get(std::string path);
    Task<Result<>> find_lists();
    Task<Result<>> poll(Media& media);
    Task<Result<>> refused();
    std::string first_list() const;
    Task<Result<>> fetch(Media& media, const std::string& folder, const hls::MediaSegment& segment);
    Result<> read_fragments(Media& media, ByteSpan bytes);
    void read_packets(Media& media, ByteSpan bytes);
    void take_unit(media::AccessUnit unit);
    void write_account();

    Form form_;
    std::unique_ptr<Connection> connection_;
    std::vector<Media> lists_;
    std::array<std::vector<Came>, 2> came_;   // video, audio
    std::string run_;                         // of the segment that is being read
    std::size_t segments_ = 0;
};

inline HlsViewer& watch_hls(World& world, ViewerPlan plan, HlsViewer::Form form = HlsViewer::Form::ts) {
    return world.add<HlsViewer>(std::move(plan), form);
}

}   // namespace millrace::sim
