#include "sim/hls_viewer.hpp"

#include "base/waiting.hpp"
#include "container/m3u8_reader.hpp"
#include "container/ts_multiplexer.hpp"
#include "media/time.hpp"

#include <algorithm>
#include <charconv>

namespace millrace::sim {

namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::string_view status_line = "HTTP/1.1 ";
constexpr std::string_view length_name = "\r\nContent-Length: ";

std::size_t number_behind(std::string_view head, std::string_view name) {
    const std::size_t at = head.find(name);
    std::size_t value = 0;
    if (at != std::string_view::npos) {
        const std::string_view digits = head.substr(at + name.size());
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    }
    return value;
}

std::string folder_of(const std::string& path) {
    return path.substr(0, path.rfind('/') + 1);
}

/// "segments/RUN/…/ts-7.ts" or "RUN/v0-90000.m4s".
std::string run_of(std::string_view uri) {
    constexpr std::string_view folder = "segments/";
    uri.remove_prefix(uri.starts_with(folder) ? folder.size() : 0);
    return std::string{uri.substr(0, uri.find('/'))};
}

}   // namespace

HlsViewer::HlsViewer(World& world, ViewerPlan plan, Form form) : Viewer{world, std::move(plan)}, form_{form} {
    world_.start(run(*this));
}

Task<> HlsViewer::run(HlsViewer& self) {
    co_await self.wait_as_planned();
    self.come();
    self.connection_ = self.world_.connect_http(self.plan_.link);
    const Result<> played = co_await self.play();
    self.write_account();
    self.connection_.reset();
    self.finish(played ? Error{Errc::closed, "the lists ended"} : played.error());
}

Task<Result<>> HlsViewer::play() {
    if (const Result<> found = co_await find_lists(); !found) {
        co_return found;
    }
    for (;;) {
        for (Media& media : lists_) {
            if (const Result<> polled = co_await poll(media); !polled) {
                co_return polled;
            }
        }
        if (std::ranges::all_of(lists_, &Media::ended)) {
            co_return Result<>{};
        }
        co_await sleep_until(world_.clients(), std::min(leave_at_, world_.now() + poll_interval));
        if (time_to_leave()) {
            co_return fail(Errc::cancelled, "the viewer leaves");
        }
    }
}

/// Asks again after 503, as Retry-After says.
Task<Result<HlsViewer::Page>> HlsViewer::get(std::string path) {
    Result<Page> page = co_await ask(path);
    for (int i = 0; i < patience && page && page->status == 503 && !time_to_leave(); ++i) {
        co_await sleep_until(world_.clients(), std::min(leave_at_, world_.now() + 1s));
        page = co_await ask(path);
    }
    co_return page;
}

Task<Result<HlsViewer::Page>> HlsViewer::ask(std::string path) {
    const std::string request = fmt::format("GET {} HTTP/1.1\r\nHost: host\r\n\r\n", path);
    if (const Result<> asked = co_await write(*connection_, as_bytes(request)); !asked) {
        co_return std::unexpected(asked.error());
    }
    std::vector<std::byte> got;
    for (;;) {
        const std::size_t head = as_text(got).find(head_end);
        if (head != std::string_view::npos) {
            const std::size_t begin = head + head_end.size();
            const std::string_view said = as_text(got).substr(0, head);
            if (got.size() >= begin + number_behind(said, length_name)) {
                Page page{static_cast<int>(number_behind(said, status_line)), {}};
                page.body.assign(got.begin() + static_cast<std::ptrdiff_t>(begin), got.end());
                co_return page;
            }
        }
        std::array<std::byte, 16U << 10U> buffer;
        const Result<std::size_t> count = co_await read(*connection_, buffer);
        if (!count) {
            co_return std::unexpected(count.error());
        }
        got.insert(got.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count));
    }
}

Task<Result<>> HlsViewer::find_lists() {
    if (form_ == Form::ts) {
        lists_.emplace_back().path = first_list();
        co_return Result<>{};
    }
    const std::string folder = folder_of(first_list());
    const Result<Page> page = co_await get(first_list());
    if (!page) {
        co_return std::unexpected(page.error());
    }
    status_ = page->status;
    if (status_ != 200) {
        state_ = State::refused;
        co_return fail(Errc::refused, "the server refused the viewer");
    }
    const Result<hls::Playlist> list = hls::read_playlist(as_text(page->body));
    const auto* const all = list ? std::get_if<hls::MultivariantPlaylist>(&*list) : nullptr;
    if (all == nullptr || all->variants.empty()) {
        co_return fail(Errc::malformed, "no multivariant list");
    }
    lists_.emplace_back().path = folder + all->variants.front().uri;
    for (const hls::Rendition& rendition : all->renditions) {
        lists_.emplace_back().path = folder + rendition.uri;
    }
    co_return Result<>{};
}

Task<Result<>> HlsViewer::poll(Media& media) {
    const Result<Page> page = co_await get(media.path);
    if (!page) {
        co_return std::unexpected(page.error());
    }
    status_ = page->status;
    if (status_ != 200) {
        co_return co_await refused();
    }
    state_ = State::playing;
    const Result<hls::Playlist> list = hls::read_playlist(as_text(page->body));
    const auto* const text = list ? std::get_if<hls::MediaPlaylist>(&*list) : nullptr;
    if (text == nullptr) {
        co_return fail(Errc::malformed, "no media list");
    }
    if (media.next && text->media_sequence + text->segments.size() < *media.next) {
        account_.fault("a list went back");
    }
    std::uint64_t number = text->media_sequence;
    for (const hls::MediaSegment& segment : text->segments) {
        if (number >= media.next.value_or(number) && !segment.gap) {
            if (const Result<> got = co_await fetch(media, folder_of(media.path), segment); !got) {
                co_return got;
            }
        }
        media.next = std::max(media.next.value_or(0), ++number);
    }
    if (text->ended && !media.ended) {
        media.ended = true;
        media.packets.end();
        read_packets(media, {});
    }
    co_return Result<>{};
}

/// A stream that is over has no list at all any more; as long as there is one, there are those it names.
Task<Result<>> HlsViewer::refused() {
    if (!playing()) {
        state_ = State::refused;
        co_return fail(Errc::refused, "the server refused a list");
    }
    const Result<Page> first = co_await get(first_list());
    if (!first) {
        co_return std::unexpected(first.error());
    }
    co_return first->status == 200 ? fail(Errc::malformed, "the server refused a list")
                                   : fail(Errc::closed, "the stream is over");
}

std::string HlsViewer::first_list() const {
    return fmt::format("/live/{}/{}", plan_.key, form_ == Form::ts ? "ts.m3u8" : "index.m3u8");
}

Task<Result<>> HlsViewer::fetch(Media& media, const std::string& folder, const hls::MediaSegment& segment) {
    if (segment.init != nullptr && segment.init->uri != media.init) {
        media.init = segment.init->uri;
        const Result<Page> init = co_await get(folder + media.init);
        if (!init || init->status != 200) {
            co_return init ? fail(Errc::malformed, "no init section") : std::unexpected(init.error());
        }
        media.fragments.emplace();
        if (const Result<> read = read_fragments(media, init->body); !read) {
            co_return read;
        }
    }
    const Result<Page> page = co_await get(folder + segment.uri);
    if (!page) {
        co_return std::unexpected(page.error());
    }
    if (page->status != 200) {
        co_return fail(Errc::malformed, "a listed segment is not there");
    }
    ++segments_;
    run_ = run_of(segment.uri);
    if (form_ == Form::cmaf) {
        co_return read_fragments(media, page->body);
    }
    read_packets(media, page->body);
    co_return Result<>{};
}

Result<> HlsViewer::read_fragments(Media& media, ByteSpan bytes) {
    if (!media.fragments) {
        return fail(Errc::malformed, "a segment without an init section");
    }
    for (;;) {
        Result<std::optional<mp4::Item>> item = media.fragments->next(bytes);
        if (!item) {
            return std::unexpected(item.error());
        }
        if (!*item) {
            return media.fragments->finish();   // each ends with a whole box
        }
        if (auto* const unit = std::get_if<media::AccessUnit>(&**item)) {
            take_unit(std::move(*unit));
        }
    }
}

void HlsViewer::read_packets(Media& media, ByteSpan bytes) {
    while (std::optional<ts::Item> item = media.packets.next(bytes)) {
        if (auto* const unit = std::get_if<media::AccessUnit>(&*item)) {
            const std::int64_t offset =
                media::rescale(ts::time_offset, ts::clock_rate, unit->config->timescale);
            unit->dts -= offset;
            unit->pts -= offset;
            take_unit(std::move(*unit));
        }
    }
}

void HlsViewer::take_unit(media::AccessUnit unit) {
    auto& track = came_.at(unit.kind() == media::Kind::video ? 0 : 1);
    track.push_back({std::move(unit), world_.now(), run_});
}

void HlsViewer::write_account() {
    std::array<std::size_t, 2> at{};
    std::string run;
    bool waits_for_key = true;
    const auto sent = [&](std::size_t track) -> const Ledger::Entry* {
        return world_.ledger().find(hash_of(came_.at(track).at(at.at(track)).unit.payload));
    };
    const auto take = [&](std::size_t track) {
        const Came& came = came_.at(track).at(at.at(track)++);
        if (run != came.run) {
            account_.rejoin();
            waits_for_key = true;
        }
        run = came.run;
        // A list may begin where time jumped, at no key picture: a player shows nothing up to the next.
        waits_for_key = waits_for_key && (track == 1 || !came.unit.key);
        if (track == 1 || !waits_for_key) {
            account_.take(came.unit, came.at);
        }
    };
    while (at[0] < came_[0].size() && at[1] < came_[1].size()) {
        const Ledger::Entry* const picture = sent(0);
        const Ledger::Entry* const sound = sent(1);
        const bool sound_first =
            picture != nullptr && sound != nullptr &&
            std::tie(sound->publication, sound->place) < std::tie(picture->publication, picture->place);
        take(sound_first ? 1 : 0);
    }
    for (const std::size_t track : {0U, 1U}) {
        while (at.at(track) < came_.at(track).size()) {
            take(track);
        }
    }
}

}   // namespace millrace::sim
