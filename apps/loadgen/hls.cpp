#include "apps/loadgen/dialogue.hpp"
#include "apps/loadgen/figures.hpp"
#include "apps/loadgen/http_lane.hpp"
#include "apps/loadgen/verbs.hpp"
#include "base/url.hpp"
#include "container/m3u8_reader.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <thread>

namespace millrace::loadgen {

namespace {

constexpr std::size_t buffer_size = 4U << 20U;
constexpr Duration step = 20ms;
constexpr std::size_t redirections_max = 4;
constexpr std::size_t behind_live = 3;   // segments before the list's end at which playing begins

/// What the viewers of a window saw.
struct Seen {
    std::uint64_t lists = 0;
    std::uint64_t segments = 0;
    std::uint64_t bytes = 0;
    std::uint64_t missing = 0;   ///< segments that left the list unseen
    std::uint64_t refused = 0;   ///< answers other than 200
    std::vector<double> segment_ms;
    std::vector<double> list_ms;
};

/// One player: asks for lists and for what is new in them.
class HlsViewer {
public:
    HlsViewer(const loadgen::Url& url, Instant at) : lane_{url.server}, path_{url.path}, due_{at} {
        connected_ = at;
    }

    int socket() const { return lane_.socket(); }
    std::optional<double> first_segment_ms() const { return first_segment_ms_; }
    std::uint64_t bytes() const { return bytes_; }

    /// Asks for a list if it is time and nothing is under way.
    void look(Instant at) {
        if (!lane_.busy() && at >= due_) {
            asks_list_ = true;
            asked_ = at;
            lane_.ask(path_, HttpLane::Body::kept);
        }
    }

    void read(std::span<std::byte> buffer, Instant at, Seen& seen) {
        const std::optional<HttpLane::Answer> answer = lane_.read(buffer);
        if (!answer) {
            return;
        }
        if (answer->status / 100 == 3 && !answer->location.empty()) {
            if (++redirections_ > redirections_max) {
                throw Hindrance{"an HLS list leads round and round"};
            }
            path_ = resolved(answer->location);
            due_ = at;
        } else if (answer->status != 200) {
            ++seen.refused;
            due_ = at + 500ms;
        } else if (asks_list_) {
            ++seen.lists;
            seen.list_ms.push_back(milliseconds(at - asked_));
            take_list(answer->body, at, seen);
        } else {
            take_segment(answer->size, at, seen);
        }
        next(at);
    }

private:
    std::string resolved(std::string_view reference) const {
        const Result<millrace::Url> base = millrace::parse_url("http://host" + path_);
        const Result<millrace::Url> whole =
            base ? resolve_url(*base, reference) : std::unexpected(base.error());
        if (!whole) {
            throw Hindrance{fmt::format("a list names {}, which is no address", reference)};
        }
        return whole->target;
    }

    void take_list(const std::string& text, Instant at, Seen& seen) {
        const Result<hls::Playlist> list = hls::read_playlist(text);
        if (!list) {
            throw Hindrance{fmt::format("{} is no HLS list: {}", path_, list.error().what)};
        }
        if (const auto* many = std::get_if<hls::MultivariantPlaylist>(&*list)) {
            if (many->variants.empty()) {
                throw Hindrance{fmt::format("{} names no variant", path_)};
            }
            path_ = resolved(many->variants.front().uri);
            due_ = at;
            return;
        }
        const auto& media = std::get<hls::MediaPlaylist>(*list);
        due_ = at + std::chrono::seconds{media.target_duration} / 2;
        const std::uint64_t end = media.media_sequence + media.segments.size();
        if (!next_) {
            next_ = end - std::min<std::uint64_t>(behind_live, media.segments.size());
        }
        if (*next_ < media.media_sequence) {
            seen.missing += media.media_sequence - *next_;
            next_ = media.media_sequence;
        }
        for (; *next_ < end; ++*next_) {
            const hls::MediaSegment& segment = media.segments[*next_ - media.media_sequence];
            if (segment.init && segment.init->uri != init_) {
                init_ = segment.init->uri;
                wanted_.push_back(resolved(init_));
            }
            wanted_.push_back(resolved(segment.uri));
        }
    }

    void take_segment(std::uint64_t size, Instant at, Seen& seen) {
        ++seen.segments;
        seen.bytes += size;
        bytes_ += size;
        seen.segment_ms.push_back(milliseconds(at - asked_));
        if (!first_segment_ms_) {
            first_segment_ms_ = milliseconds(at - connected_);
        }
    }

    void next(Instant at) {
        if (lane_.busy() || wanted_.empty()) {
            return;
        }
        asks_list_ = false;
        asked_ = at;
        lane_.ask(wanted_.front(), HttpLane::Body::dropped);
        wanted_.pop_front();
    }

    HttpLane lane_;
    std::string path_;   // of the list
    Instant due_;
    Instant asked_{};
    Instant connected_{};
    bool asks_list_ = false;
    std::size_t redirections_ = 0;
    std::optional<std::uint64_t> next_;   // by media sequence number
    std::string init_;
    std::deque<std::string> wanted_;
    std::uint64_t bytes_ = 0;
    std::optional<double> first_segment_ms_;
};

class HlsSwarm {
public:
    explicit HlsSwarm(const HlsOptions& options)
        : options_{options}, url_{loadgen::parse_url(options.url)}, buffer_(buffer_size) {}

    void ramp_up() {
        const Instant began = now();
        while (viewers_.size() < options_.viewers) {
            const double due = std::chrono::duration<double>{now() - began}.count() * options_.ramp;
            while (viewers_.size() < options_.viewers && static_cast<double>(viewers_.size()) <= due) {
                viewers_.push_back(std::make_unique<HlsViewer>(url_, now()));
                poll_.add(viewers_.back()->socket(), EPOLLIN, viewers_.back().get());
            }
            run(step);
        }
    }

    void run(Duration time) {
        const Duration nap = Duration{static_cast<std::int64_t>(options_.lazy_ms * 1e6)};
        Instant looked = now() - step;
        for (const Instant until = now() + time; now() < until;) {
            if (now() - looked >= step) {
                looked = now();
                for (const auto& viewer : viewers_) {
                    viewer->look(looked);
                }
            }
            const auto ready = poll_.wait(std::min(std::max(until - now(), Duration{}), step));
            for (const epoll_event& event : ready) {
                static_cast<HlsViewer*>(event.data.ptr)->read(buffer_, now(), seen_);
            }
            if (nap > Duration{} && ready.size() < Poll::events_max) {
                std::this_thread::sleep_for(nap);
            }
        }
    }

    void begin() {
        seen_ = {};
        before_.clear();
        for (const auto& viewer : viewers_) {
            before_.push_back(viewer->bytes());
        }
    }

    std::string report() const {
        std::vector<double> first;
        for (const auto& viewer : viewers_) {
            if (const std::optional<double> ms = viewer->first_segment_ms()) {
                first.push_back(*ms);
            }
        }
        std::uint64_t least = viewers_.empty() ? 0 : UINT64_MAX;
        for (std::size_t i = 0; i < viewers_.size(); ++i) {
            least = std::min(least, viewers_[i]->bytes() - before_[i]);
        }
        return fmt::format(
            R"({{"event": "report", "viewers": {}, "playing": {}, "lists": {}, "segments": {}, )"
            R"("bytes": {}, "least_bytes": {}, "missing": {}, "refused": {}, )"
            R"("first_segment_ms": {}, "segment_ms": {}, "list_ms": {}}})",
            viewers_.size(), first.size(), seen_.lists, seen_.segments, seen_.bytes, least, seen_.missing,
            seen_.refused, quantiles(first), quantiles(seen_.segment_ms), quantiles(seen_.list_ms));
    }

private:
    const HlsOptions options_;
    const loadgen::Url url_;
    std::vector<std::byte> buffer_;
    Poll poll_;
    std::vector<std::unique_ptr<HlsViewer>> viewers_;
    std::vector<std::uint64_t> before_;
    Seen seen_;
};

}   // namespace

int watch_hls(const HlsOptions& options) {
    HlsSwarm swarm{options};
    swarm.ramp_up();
    say(R"({"event": "ready"})");
    swarm.run(seconds(options.rest));
    swarm.begin();
    say(R"({"event": "begin"})");
    swarm.run(seconds(options.seconds));
    say(R"({"event": "end"})");
    say(swarm.report());
    return 0;
}

}   // namespace millrace::loadgen
