#include "media/nal_pictures.hpp"

#include "media/nal.hpp"

namespace millrace::media {

namespace {

/// Of memory that a payload is a piece of: what may stand beside it (a tag's head, a delimiter).
constexpr std::size_t kept_beside_max = 256;

bool is_kept(NalRole role) {
    return role != NalRole::parameter_set && role != NalRole::left_out;
}

}   // namespace

Result<NalPictures::Sorted> NalPictures::sort(std::span<const ByteSpan> nals) {
    if (nals.size() > nals_per_access_unit_max) {
        return fail(Errc::exhausted, "too many NAL units in an access unit");
    }
    Sorted sorted;
    for (const ByteSpan nal : nals) {
        const NalRole role = role_of(nal);
        if (role == NalRole::parameter_set) {
            const Result<bool> changed = put(nal);
            counters_.parameter_sets_refused += changed ? 0 : 1;
            out_of_date_ = out_of_date_ || (changed && *changed);
            continue;
        }
        if (role == NalRole::left_out) {
            continue;
        }
        if (role == NalRole::sei) {
            const std::optional<std::uint32_t> recovery = recovery_point(nal);
            recovery_ = recovery ? recovery : recovery_;
            const std::optional<CaptureNote> note = read_capture_sei(behind_header(nal));
            note_ = note ? note : note_;
        }
        sorted.has_slice = sorted.has_slice || role == NalRole::slice;
        if (nal.size() > picture_bytes_max || sorted.payload_bytes > picture_bytes_max) {
            return fail(Errc::exhausted, "access unit too large");
        }
        sorted.payload_bytes += nal.size() + 4;
    }
    if (sorted.payload_bytes + waiting_sei_.size() > picture_bytes_max) {
        return fail(Errc::exhausted, "access unit too large");
    }
    return sorted;
}

void NalPictures::keep_sei(std::span<const ByteSpan> nals) {
    for (const ByteSpan nal : nals) {
        const NalRole role = role_of(nal);
        if (role == NalRole::sei && waiting_sei_.size() + nal.size() + 4 <= waiting_sei_bytes_max) {
            append_nal(waiting_sei_, nal);
        } else if (role == NalRole::sei || role == NalRole::suffix_sei) {
            ++counters_.sei_dropped;
        }
    }
}

void NalPictures::update_config() {
    Result<TrackConfig> config = current();
    if (config) {
        take(std::move(*config));
        out_of_date_ = false;
    }
}

Bytes NalPictures::piece_of(const Bytes& framed, std::span<const ByteSpan> nals) const {
    ByteSpan piece;
    for (const ByteSpan nal : nals) {
        if (!is_kept(role_of(nal))) {
            continue;
        }
        const ByteSpan with_length{nal.data() - nal_length_size, nal.size() + nal_length_size};
        if (piece.empty()) {
            piece = with_length;
        } else if (piece.data() + piece.size() == with_length.data()) {
            piece = {piece.data(), piece.size() + with_length.size()};
        } else {
            return {};
        }
    }
    // A small picture must not keep much memory that nobody counts.
    const bool most = piece.size() + kept_beside_max >= framed.size();
    return most ? framed.slice(static_cast<std::size_t>(piece.data() - framed.data()), piece.size())
                : Bytes{};
}

Bytes NalPictures::copy_of(std::span<const ByteSpan> nals, std::size_t payload_bytes) {
    std::vector<std::byte> payload = std::exchange(waiting_sei_, {});
    payload.reserve(payload.size() + payload_bytes);
    for (const ByteSpan nal : nals) {
        if (is_kept(role_of(nal))) {
            append_nal(payload, nal);
        }
    }
    return Bytes{std::move(payload)};
}

Result<std::optional<Picture>> NalPictures::finish(std::span<const ByteSpan> nals, std::size_t payload_bytes,
                                                   const Bytes& framed) {
    Picture picture;
    picture.recovery_frames = std::exchange(recovery_, std::nullopt);
    picture.note = std::exchange(note_, std::nullopt);
    const Result<> described = describe(nals, picture);
    if (!described) {
        waiting_sei_.clear();
        return std::unexpected(described.error());
    }
    if (out_of_date_ || config() == nullptr) {
        update_config();
    }
    picture.config = config();
    if (!framed.empty() && waiting_sei_.empty()) {
        picture.payload = piece_of(framed, nals);
    }
    if (picture.payload.empty()) {
        picture.payload = copy_of(nals, payload_bytes);
    }
    return std::optional{std::move(picture)};
}

Result<std::optional<Picture>> NalPictures::read(std::span<const ByteSpan> nals, const Bytes& framed) {
    const Result<Sorted> sorted = sort(nals);
    if (!sorted) {
        waiting_sei_.clear();
        recovery_.reset();
        note_.reset();
        return std::unexpected(sorted.error());
    }
    if (sorted->has_slice) {
        return finish(nals, sorted->payload_bytes, framed);
    }
    keep_sei(nals);
    // Half a change (an SPS whose PPS comes next) would make a configuration that no picture has; but the
    // first one is waited for.
    if (config() == nullptr) {
        update_config();
    }
    return std::nullopt;
}

}   // namespace millrace::media
