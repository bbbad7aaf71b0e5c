#include "session/media_reader.hpp"

#include "container/mp4_reader.hpp"
#include "container/ts_reader.hpp"
#include "media/jpeg.hpp"
#include "media/time.hpp"

namespace millrace::session {

namespace {

class FlvMedia final : public MediaReader {
public:
    Result<> read(ByteSpan bytes, ReadMedia& into) override {
        for (;;) {
            const Result<std::optional<flv::Tag>> tag = splitter_.next(bytes);
            if (!tag) {
                return std::unexpected(tag.error());
            }
            if (!*tag) {
                return {};
            }
            [[maybe_unused]] const Result<> counted = read_tag(tags_, **tag, into);
        }
    }
    void end(ReadMedia& /*into*/) override {}

private:
    flv::Splitter splitter_;
    flv::TagReader tags_;
};

class TsMedia final : public MediaReader {
public:
    Result<> read(ByteSpan bytes, ReadMedia& into) override {
        while (std::optional<ts::Item> item = reader_.next(bytes)) {
            take(std::move(*item), into);
        }
        const ts::ReaderCounters counters = reader_.counters();
        const std::uint64_t dropped =
            counters.units_damaged + counters.units_refused + counters.units_skipped;
        into.dropped += dropped - std::exchange(dropped_, dropped);
        return {};
    }
    void end(ReadMedia& into) override {
        reader_.end();
        // Without bytes it never fails.
        [[maybe_unused]] const Result<> read_out = read({}, into);
    }

private:
    static void take(ts::Item item, ReadMedia& into) {
        into.ended = std::holds_alternative<ts::Stopped>(item);
        if (auto* unit = std::get_if<media::AccessUnit>(&item)) {
            into.items.emplace_back(std::move(*unit));
        } else if (auto* announced = std::get_if<ts::Announced>(&item)) {
            for (media::Track& track : announced->tracks) {
                into.items.emplace_back(std::move(track));
            }
            if (announced->klv) {
                into.messages.push_back({.kind = media::TimedMessage::Kind::klv, .body = {}});
            }
        } else if (auto* configured = std::get_if<ts::Configured>(&item)) {
            into.items.emplace_back(media::Track{.id = configured->track,
                                                 .kind = media::kind_of(configured->config->codec),
                                                 .config = configured->config});
        } else if (auto* message = std::get_if<media::TimedMessage>(&item)) {
            into.messages.push_back(std::move(*message));
        }
    }

    ts::Reader reader_;
    std::uint64_t dropped_ = 0;
};

class Mp4Media final : public MediaReader {
public:
    Result<> read(ByteSpan bytes, ReadMedia& into) override {
        for (;;) {
            Result<std::optional<mp4::Item>> item = reader_.next(bytes);
            into.dropped += reader_.samples_refused() - std::exchange(dropped_, reader_.samples_refused());
            if (!item) {
                return std::unexpected(item.error());
            }
            if (!*item) {
                return {};
            }
            into.ended = std::holds_alternative<mp4::Ended>(**item);
            if (auto* unit = std::get_if<media::AccessUnit>(&**item)) {
                into.items.emplace_back(std::move(*unit));
            } else if (auto* opened = std::get_if<mp4::Opened>(&**item)) {
                for (media::Track& track : opened->tracks) {
                    into.items.emplace_back(std::move(track));
                }
            }
        }
    }
    void end(ReadMedia& /*into*/) override {}

private:
    mp4::Reader reader_;
    std::uint64_t dropped_ = 0;
};

class PictureMedia final : public MediaReader {
public:
    explicit PictureMedia(const Clock& clock) : clock_{clock}, began_{clock.now()} {}

    Result<> read(ByteSpan bytes, ReadMedia& into) override {
        const Result<media::jpeg::Facts> facts = media::jpeg::read(bytes);
        if (!facts) {
            ++into.dropped;
            return {};   // one broken picture is no broken camera
        }
        config_ = media::jpeg::config_from(*facts, config_);
        const auto since = std::chrono::duration_cast<std::chrono::microseconds>(clock_.now() - began_);
        const std::int64_t time = media::rescale(since.count(), 1'000'000, config_->timescale);
        media::AccessUnit unit{.config = config_, .dts = time, .pts = time, .key = true};
        unit.payload = Bytes::copy(bytes.first(facts->size));
        into.items.emplace_back(std::move(unit));
        into.ended = false;
        return {};
    }
    void end(ReadMedia& /*into*/) override {}

private:
    const Clock& clock_;
    Instant began_;
    media::ConfigRef config_;
};

void announce(const flv::Metadata& metadata, ReadMedia& into) {
    if (metadata.video) {
        into.items.emplace_back(media::Track{.id = flv::video_track, .kind = media::Kind::video});
    }
    if (metadata.audio) {
        into.items.emplace_back(media::Track{.id = flv::audio_track, .kind = media::Kind::audio});
    }
}

}   // namespace

std::unique_ptr<MediaReader> read_flv() {
    return std::make_unique<FlvMedia>();
}
std::unique_ptr<MediaReader> read_ts() {
    return std::make_unique<TsMedia>();
}
std::unique_ptr<MediaReader> read_mp4() {
    return std::make_unique<Mp4Media>();
}
std::unique_ptr<MediaReader> read_pictures(const Clock& clock) {
    return std::make_unique<PictureMedia>(clock);
}

Result<> read_tag(flv::TagReader& reader, const flv::Tag& tag, ReadMedia& into) {
    Result<std::optional<flv::Item>> item = reader.read(tag.type, tag.timestamp_ms, tag.body);
    if (!item) {
        ++into.dropped;
        return std::unexpected(item.error());
    }
    if (*item) {
        if (const auto* metadata = std::get_if<flv::Metadata>(&**item)) {
            announce(*metadata, into);
        } else if (auto* configured = std::get_if<flv::Configured>(&**item)) {
            into.items.emplace_back(media::Track{.id = configured->track,
                                                 .kind = media::kind_of(configured->config->codec),
                                                 .config = configured->config});
        } else if (auto* unit = std::get_if<media::AccessUnit>(&**item)) {
            into.items.emplace_back(std::move(*unit));
            into.ended = false;
        } else {
            into.ended = true;
        }
    }
    return {};
}

Task<Result<>> publish(SourcePublisher& publisher, ReadMedia& media, std::size_t received) {
    if (media.items.empty() && !publisher.began()) {
        media.clear();
        co_return Result<>{};
    }
    if (!publisher.began()) {
        const Result<> begun = co_await publisher.begin();
        if (!begun) {
            co_return begun;
        }
    }
    hub::Publication& publication = publisher.publication();
    publication.count_received(received);
    for (; media.dropped > 0; --media.dropped) {
        publication.count_dropped();
    }
    for (hub::PublishedItem& item : media.items) {
        if (auto* unit = std::get_if<media::AccessUnit>(&item)) {
            publisher.write(std::move(*unit));
        } else {
            publication.take(std::move(item));
        }
    }
    for (media::TimedMessage& message : media.messages) {
        publication.say(std::move(message));
    }
    media.clear();
    co_await publisher.flush();
    co_return Result<>{};
}

}   // namespace millrace::session
