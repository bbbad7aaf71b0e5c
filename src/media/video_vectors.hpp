#pragma once

#include "media/access_unit.hpp"
#include "media/test_bytes.hpp"

#include <string_view>
#include <vector>

namespace millrace::media {

/// One access unit of an encoder's output, its slices cut after their headers, and what ffmpeg's
/// trace_headers says of it.
struct CodedPicture {
    std::vector<std::string_view> nals;   ///< in hex
    PictureType type = PictureType::unknown;
    bool key = false;
    bool leading = false;
    int qp = 0;
};

/// The beginning of a stream of one codec.
struct CodedStream {
    const char* name;
    std::uint32_t width;
    std::uint32_t height;
    double frame_rate;
    unsigned reorder_frames;
    std::string_view codec_string;
    std::vector<CodedPicture> pictures;
};

std::vector<CodedStream> h264_streams();
std::vector<CodedStream> h265_streams();

/// The NAL units of a picture; the bytes live as long as this.
struct NalUnits {
    explicit NalUnits(const CodedPicture& picture) {
        for (const std::string_view hex : picture.nals) {
            bytes.push_back(from_hex(hex));
            spans.push_back(bytes.back());
        }
    }
    std::vector<Bytes> bytes;
    std::vector<ByteSpan> spans;
};

}   // namespace millrace::media
