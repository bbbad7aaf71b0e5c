#include "base/bytes.hpp"
#include "container/m3u8_reader.hpp"
#include "container/m3u8_writer.hpp"

#include <cstdlib>
#include <span>

// Whatever is read can be written, is read again, and is then the same: nothing of a foreign list gets out
// of its place.
namespace {

using namespace millrace;

const hls::WriteOptions exact{.digits = 9, .base = {}, .blank_line = false};

std::string text_of(const hls::Playlist& list) {
    if (const auto* media = std::get_if<hls::MediaPlaylist>(&list)) {
        return hls::write(*media, exact);
    }
    return hls::write(std::get<hls::MultivariantPlaylist>(list));
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text(std::as_bytes(std::span{data, size}));
    const Result<hls::Playlist> list = hls::read_playlist(text);
    if (!list) {
        return 0;
    }
    const std::string written = text_of(*list);
    const Result<hls::Playlist> again = hls::read_playlist(written);
    if (!again || text_of(*again) != written) {
        std::abort();
    }
    return 0;
}
