#include "apps/loadgen/judge.hpp"

#include "apps/loadgen/figures.hpp"
#include "media/h264.hpp"
#include "media/nal.hpp"

namespace millrace::loadgen {

void Findings::add(const Findings& other) {
    pictures += other.pictures;
    sounds += other.sounds;
    missing += other.missing;
    broken += other.broken;
    latency_ms.insert(latency_ms.end(), other.latency_ms.begin(), other.latency_ms.end());
    first_picture_ms.insert(first_picture_ms.end(), other.first_picture_ms.begin(),
                            other.first_picture_ms.end());
}

void Judge::count(std::uint64_t number, std::optional<std::uint64_t>& expected) {
    if (expected && number != *expected) {
        findings_.missing += number > *expected ? number - *expected : 1;
    }
    expected = number + 1;
}

void Judge::look(const CodedFrame& frame, Instant now, bool measuring) {
    saw_key_ = frame.key;
    if (frame.broken) {
        ++findings_.broken;
    } else if (frame.video) {
        look_at_picture(frame.coded, now, measuring);
    } else {
        const std::optional<std::uint64_t> number = read_hexadecimal(frame.coded);
        findings_.broken += number ? 0 : 1;
        count(number.value_or(0), next_sound_);
        ++findings_.sounds;
    }
}

void Judge::look_at_picture(ByteSpan coded, Instant now, bool measuring) {
    const Result<std::vector<ByteSpan>> nals = media::split_length_prefixed(coded, 4);
    std::optional<Stamp> stamp;
    bool whole = false;
    if (nals) {
        for (const ByteSpan nal : *nals) {
            const media::h264::NalType type = media::h264::type_of(nal);
            if (type == media::h264::NalType::sei) {
                stamp = read_stamp(nal);
            }
            whole = whole || (media::h264::is_vcl(type) && stamp && stamp->digest == digest(nal));
        }
    }
    ++findings_.pictures;
    if (!stamp || !whole) {
        ++findings_.broken;
        return;
    }
    if (!next_picture_) {
        findings_.first_picture_ms.push_back(milliseconds(now - connected_));
    }
    count(stamp->sequence, next_picture_);
    if (measuring) {
        findings_.latency_ms.push_back(milliseconds(now - stamp->sent));
    }
}

}   // namespace millrace::loadgen
