#pragma once

// FFmpeg's C interface with owners for its objects; for this room's sources only.

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
}

#include "base/bytes.hpp"
#include "capture/source.hpp"

#include <memory>
#include <string>

namespace millrace::capture::ffmpeg {

struct Free {
    void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
    void operator()(AVFormatContext* context) const { avformat_close_input(&context); }
    void operator()(AVFrame* frame) const { av_frame_free(&frame); }
    void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
using Codec = std::unique_ptr<AVCodecContext, Free>;
using Input = std::unique_ptr<AVFormatContext, Free>;
using Frame = std::unique_ptr<AVFrame, Free>;
using Packet = std::unique_ptr<AVPacket, Free>;

/// "opening movie.mp4: No such file or directory"
inline Fault fault(std::string what, int error) {
    char words[AV_ERROR_MAX_STRING_SIZE] = {};
    av_strerror(error, words, sizeof words);
    return {what + ": " + words, false};
}

inline ByteSpan bytes_of(const AVPacket& packet) {
    return std::as_bytes(std::span{packet.data, static_cast<std::size_t>(packet.size)});
}

/// Options of a codec, as text; freed with it.
class Options {
public:
    Options() = default;
    Options(const Options&) = delete;
    Options& operator=(const Options&) = delete;
    ~Options() { av_dict_free(&options_); }
    void set(const char* key, const std::string& value) { av_dict_set(&options_, key, value.c_str(), 0); }
    AVDictionary** raw() { return &options_; }
    /// One that nobody took, or null.
    const char* left() const {
        const AVDictionaryEntry* entry = av_dict_get(options_, "", nullptr, AV_DICT_IGNORE_SUFFIX);
        return entry == nullptr ? nullptr : entry->key;
    }

private:
    AVDictionary* options_ = nullptr;
};

}   // namespace millrace::capture::ffmpeg
