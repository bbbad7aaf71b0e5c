#include "media/aac.hpp"
#include "media/audio_frame.hpp"
#include "media/mp3.hpp"
#include "media/opus.hpp"

#include <cstdlib>

namespace {

using namespace millrace;
using namespace millrace::media;

void must(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void audio_specific_config(ByteSpan bytes) {
    const auto config = aac::config_from(bytes);
    if (!config) {
        return;
    }
    must(config->timescale > 0 && config->channels > 0 && samples_in_frame(*config, {}) > 0);
    if (const auto header = aac::write_adts_header(*config, 100)) {
        const auto read = aac::read_adts_header(*header);
        must(read && read->frame_size == 107);
    }
}

void adts(ByteSpan bytes) {
    const auto frames = aac::split_adts(bytes);
    if (!frames) {
        return;
    }
    std::size_t sum = frames->rest.size();
    for (const ByteSpan frame : frames->raw_frames) {
        must(!frame.empty());
        sum += frame.size() + 7;
    }
    must(sum <= bytes.size());
    (void)aac::config_from(aac::write_audio_specific_config(frames->header));
}

void opus_head(ByteSpan bytes) {
    if (const auto head = opus::read_head(bytes)) {
        const auto config = opus::config_from(opus::write_head(*head));
        must(config && config->channels == head->channels);
    }
}

}   // namespace

/// The first byte chooses the entry.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteSpan bytes = std::as_bytes(std::span{data, size});
    if (bytes.empty()) {
        return 0;
    }
    const ByteSpan rest = bytes.subspan(1);
    switch (data[0] % 5) {
        case 0: audio_specific_config(rest); break;
        case 1: adts(rest); break;
        case 2: opus_head(rest); break;
        case 3: must(opus::samples_in_packet(rest).value_or(0) <= opus::samples_per_packet_max); break;
        case 4:
            if (const auto header = mp3::read_header(rest)) {
                must(header->sample_rate > 0 && header->frame_size > 4);
            }
            break;
        default: break;
    }
    return 0;
}
