#include "protocol/media_link/picture.hpp"

namespace millrace::media_link {

namespace {

constexpr std::uint8_t flag_full_range = 1;
constexpr std::uint8_t flag_late = 2;

std::uint64_t bits(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}
std::int64_t signed_number(ByteReader& reader) {
    return static_cast<std::int64_t>(reader.u64());
}

}   // namespace

void write(ByteWriter& out, const Picture& picture) {
    out.u8(picture.slot);
    out.u8(static_cast<std::uint8_t>((picture.colours.full_range ? flag_full_range : 0) |
                                     (picture.late ? flag_late : 0)));
    out.u8(static_cast<std::uint8_t>(picture.colours.matrix));
    out.u8(static_cast<std::uint8_t>(picture.capture.label));
    out.u16(static_cast<std::uint16_t>(picture.layout.width));
    out.u16(static_cast<std::uint16_t>(picture.layout.height));
    out.u64(picture.number);
    out.u64(bits(picture.pts));
    out.u64(bits(picture.capture.utc.microseconds));
    out.u64(bits(picture.decoded_at.nanoseconds()));
}

void write(ByteWriter& out, const Release& release) {
    out.u8(release.slot);
}

void write(ByteWriter& out, const Played& played) {
    for (const std::uint64_t count : {played.units, played.pictures, played.broken, played.skipped,
                                      played.waiting, played.late, played.sounds, played.sounds_broken}) {
        out.u64(count);
    }
    out.u64(bits(played.delay_us));
    out.u64(bits(played.jitter_us));
    out.u64(bits(played.behind_sound_us));
    for (const std::uint64_t count :
         {played.sounds_late, played.sound_played_us, played.sound_filled_us, played.sound_dropped_us}) {
        out.u64(count);
    }
    out.bytes(as_bytes(std::string_view{played.silent}.substr(0, silent_bytes_max)));
}

Result<Picture> read_picture(ByteReader& reader) {
    Picture picture;
    picture.slot = reader.u8();
    const std::uint8_t flags = reader.u8();
    picture.colours.full_range = (flags & flag_full_range) != 0;
    picture.late = (flags & flag_late) != 0;
    const std::uint8_t matrix = reader.u8();
    const std::uint8_t label = reader.u8();
    picture.layout.width = reader.u16();
    picture.layout.height = reader.u16();
    picture.number = reader.u64();
    picture.pts = signed_number(reader);
    picture.capture.utc.microseconds = signed_number(reader);
    picture.decoded_at = Instant::from_nanoseconds(signed_number(reader));
    if (picture.slot >= picture_ring::slots || !picture.layout.fits() ||
        matrix > static_cast<std::uint8_t>(Colours::Matrix::bt2020) ||
        label > static_cast<std::uint8_t>(media::CaptureTime::Label::capture)) {
        return fail(Errc::malformed, "a picture that no slot can hold");
    }
    picture.colours.matrix = static_cast<Colours::Matrix>(matrix);
    picture.capture.label = static_cast<media::CaptureTime::Label>(label);
    return picture;
}

Result<Release> read_release(ByteReader& reader) {
    const Release release{reader.u8()};
    return release.slot < picture_ring::slots ? Result<Release>{release}
                                              : fail(Errc::malformed, "no slot of the ring");
}

Result<Played> read_played(ByteReader& reader) {
    Played played;
    for (std::uint64_t* const count :
         {&played.units, &played.pictures, &played.broken, &played.skipped, &played.waiting, &played.late,
          &played.sounds, &played.sounds_broken}) {
        *count = reader.u64();
    }
    played.delay_us = signed_number(reader);
    played.jitter_us = signed_number(reader);
    played.behind_sound_us = signed_number(reader);
    for (std::uint64_t* const count :
         {&played.sounds_late, &played.sound_played_us, &played.sound_filled_us, &played.sound_dropped_us}) {
        *count = reader.u64();
    }
    if (reader.remaining() > silent_bytes_max) {
        return fail(Errc::exhausted, "too many words");
    }
    played.silent = as_text(reader.take(reader.remaining()));
    return played;
}

}   // namespace millrace::media_link
