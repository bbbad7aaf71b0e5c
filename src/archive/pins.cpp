#include "archive/pins.hpp"

#include "archive/checksum.hpp"
#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <array>

namespace millrace::archive {

namespace {

constexpr std::array<const char*, 2> names{"pins-a", "pins-b"};
constexpr std::string_view mark = "mrpn";
constexpr std::uint32_t format = 1;
constexpr std::size_t sum_size = 4;
constexpr Error damaged{Errc::malformed, "this is not as it was written"};

/// Nothing: there is no such file.
Result<std::optional<ReadPins>> read_one(Folder& folder, const std::string& name) {
    auto file = folder.open(name, Folder::Open::existing);
    if (!file) {
        return file.error().code == Errc::not_found ? Result<std::optional<ReadPins>>{std::nullopt}
                                                    : std::unexpected(file.error());
    }
    const Result<std::uint64_t> size = (*file)->size();
    if (!size) {
        return std::unexpected(size.error());
    }
    if (*size > Pins::size_max) {
        return std::unexpected(damaged);
    }
    std::vector<std::byte> bytes(*size);
    if (const Result<std::size_t> read = (*file)->read(0, bytes); !read) {
        return std::unexpected(read.error());
    }
    Result<ReadPins> found = read_pins(bytes);
    return found ? Result<std::optional<ReadPins>>{std::move(*found)} : std::unexpected(found.error());
}

}   // namespace

std::vector<std::byte> pins_bytes(const std::vector<Pin>& pins, std::uint64_t version) {
    std::vector<std::byte> bytes;
    ByteWriter out{bytes};
    out.text(mark);
    out.u32(format);
    out.u64(version);
    out.u32(static_cast<std::uint32_t>(pins.size()));
    for (const Pin& pin : pins) {
        out.u64(static_cast<std::uint64_t>(pin.span.from.microseconds));
        out.u64(static_cast<std::uint64_t>(pin.span.to.microseconds));
        out.u16(static_cast<std::uint16_t>(pin.stream.size()));
        out.text(pin.stream);
    }
    out.u32(checksum(bytes));
    return bytes;
}

Result<ReadPins> read_pins(ByteSpan bytes) {
    if (bytes.size() < sum_size) {
        return std::unexpected(damaged);
    }
    const ByteSpan summed = bytes.first(bytes.size() - sum_size);
    ByteReader sum{bytes.last(sum_size)};
    ByteReader in{summed};
    const bool ours = as_text(in.take(mark.size())) == mark && in.u32() == format;
    if (!ours || sum.u32() != checksum(summed)) {
        return std::unexpected(damaged);
    }
    ReadPins read{.pins = {}, .version = in.u64()};
    const std::uint32_t count = in.u32();
    for (std::uint32_t at = 0; in.ok() && at < count && at < Pins::count_max; ++at) {
        const WallTime from{static_cast<std::int64_t>(in.u64())};
        const WallTime to{static_cast<std::int64_t>(in.u64())};
        read.pins.push_back({std::string{as_text(in.take(in.u16()))}, {from, to}});
    }
    return in.ok() && in.at_end() ? Result<ReadPins>{std::move(read)} : std::unexpected(damaged);
}

Result<> Pins::load() {
    pins_.clear();
    version_ = 0;
    damaged_ = 0;
    bool found = false;
    for (std::size_t at = 0; at < names.size(); ++at) {
        Result<std::optional<ReadPins>> one = read_one(folder_, names[at]);
        if (!one && one.error().code != Errc::malformed) {
            return std::unexpected(one.error());
        }
        damaged_ += one ? 0 : 1;
        if (one && *one && (!found || (*one)->version > version_)) {
            found = true;
            good_ = at;
            version_ = (*one)->version;
            pins_ = std::move((*one)->pins);
        }
    }
    // One damaged and the other not there: the first change ever, cut off before anybody was told of it.
    unknown_ = damaged_ == names.size();
    if (unknown_) {
        log::error("archive",
                   "the list of pinned ranges is damaged: nothing is removed until a range is pinned or "
                   "unpinned by the API");
    }
    return {};
}

bool Pins::hold(const std::string& stream, Span span) const {
    return unknown_ || std::ranges::any_of(pins_, [&](const Pin& pin) {
               return pin.stream == stream && pin.span.from < span.to && span.from < pin.span.to;
           });
}

Result<> Pins::add(Pin pin) {
    if (std::ranges::find(pins_, pin) != pins_.end()) {
        return {};
    }
    if (pins_.size() >= count_max) {
        return fail(Errc::exhausted, "1024 ranges are pinned already; unpin one first");
    }
    std::vector<Pin> pins = pins_;
    pins.push_back(std::move(pin));
    return keep(std::move(pins));
}

Result<> Pins::remove(const Pin& pin) {
    std::vector<Pin> pins = pins_;
    if (std::erase(pins, pin) == 0 && !unknown_) {
        return fail(Errc::not_found, "this range is not pinned");
    }
    return keep(std::move(pins));
}

Result<> Pins::take(const std::vector<Pin>& more) {
    std::vector<Pin> pins = pins_;
    for (const Pin& pin : more) {
        if (pins.size() < count_max && std::ranges::find(pins, pin) == pins.end()) {
            pins.push_back(pin);
        }
    }
    return pins == pins_ ? Result<>{} : keep(std::move(pins));
}

Result<> Pins::keep(std::vector<Pin> pins) {
    const std::vector<std::byte> bytes = pins_bytes(pins, ++version_);
    const std::size_t first = 1 - good_;
    if (Result<> written = write(first, bytes); !written) {
        return written;
    }
    good_ = first;
    pins_ = std::move(pins);
    unknown_ = false;
    return write(1 - first, bytes);
}

Result<> Pins::write(std::size_t at, ByteSpan bytes) {
    auto file = folder_.open(names[at], Folder::Open::existing_or_new);
    if (!file) {
        return std::unexpected(file.error());
    }
    Result<> done = (*file)->write(0, bytes);
    done = done ? (*file)->truncate(bytes.size()) : done;
    done = done ? (*file)->sync() : done;
    return done ? folder_.sync_names() : done;
}

}   // namespace millrace::archive
