#include "capture/images_source.hpp"

#include "media/jpeg.hpp"
#include "media/time.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace millrace::capture {

namespace {

Outcome<std::vector<std::byte>> read_file(const std::string& path, std::size_t most) {
    errno = 0;
    std::ifstream file{path, std::ios::binary};
    std::vector<std::byte> bytes;
    std::array<char, 64U << 10U> piece;
    while (file && bytes.size() <= most) {
        file.read(piece.data(), piece.size());
        const ByteSpan got = std::as_bytes(std::span{piece}.first(static_cast<std::size_t>(file.gcount())));
        bytes.insert(bytes.end(), got.begin(), got.end());
    }
    if (bytes.size() > most) {
        return std::unexpected(Fault{fmt::format("images: {} is too large", path), true});
    }
    if (!file.eof()) {
        return std::unexpected(Fault{fmt::format("images: {}: {}", path, std::strerror(errno)), false});
    }
    return bytes;
}

}   // namespace

Outcome<std::unique_ptr<Source>> ImagesSource::open(const ImagesOptions& options, Moment start) {
    std::unique_ptr<ImagesSource> source{new ImagesSource{options.frame_rate, start}};
    for (const std::string& path : options.paths) {
        const Outcome<void> added = source->add(path, bytes_max - source->bytes());
        if (!added) {
            return std::unexpected(added.error());
        }
    }
    return source;
}

std::size_t ImagesSource::bytes() const {
    std::size_t sum = 0;
    for (const Picture& picture : pictures_) {
        sum += picture.jpeg.size();
    }
    return sum;
}

Outcome<void> ImagesSource::add(const std::string& path, std::size_t bytes_left) {
    Outcome<std::vector<std::byte>> file = read_file(path, std::min(bytes_left, media::jpeg::bytes_max));
    if (!file) {
        return std::unexpected(file.error());
    }
    const Result<media::jpeg::Facts> facts = media::jpeg::read(*file);
    if (!facts) {
        return std::unexpected(Fault{
            fmt::format("images: {} is no JPEG that can be shown: {}", path, facts.error().what), true});
    }
    const media::ConfigRef before = pictures_.empty() ? nullptr : pictures_.back().config;
    file->resize(facts->size);
    pictures_.push_back({media::jpeg::config_from(*facts, before), Bytes{std::move(*file)}});
    return {};
}

Outcome<std::vector<media::AccessUnit>> ImagesSource::produce(Moment moment) {
    std::vector<media::AccessUnit> units;
    if (moment.now < due()) {
        return units;
    }
    if (moment.now - due() > behind_max) {
        const std::int64_t now = rate_.due_by(moment.now - start_) - 1;
        counters_.skipped += static_cast<std::uint64_t>(now - number_);
        number_ = now;
    }
    const auto ticks = [this](std::int64_t number) {
        return media::rescale(number * rate_.seconds, rate_.frames, media::video_timescale);
    };
    const Picture& picture = pictures_[next_];
    media::AccessUnit unit;
    unit.track = video_track;
    unit.config = picture.config;
    unit.payload = picture.jpeg;
    unit.pts = ticks(number_);
    unit.dts = unit.pts;
    unit.duration = ticks(number_ + 1) - unit.pts;
    unit.key = true;
    unit.picture = media::PictureType::i;
    units.push_back(std::move(unit));
    next_ = (next_ + 1) % pictures_.size();
    ++number_;
    ++counters_.frames;
    return units;
}

}   // namespace millrace::capture
