#include "capture/device_library.hpp"

#include "capture/ffmpeg.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

namespace millrace::capture {

Outcome<void> load_devices() {
    // Each FFmpeg has the same major number for both. Loaded for the life of the process.
    static const bool loaded = [] {
        const std::string name = fmt::format("libavdevice.so.{}", avformat_version() >> 16U);
        void* const library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
        void* const found = library == nullptr ? nullptr : dlsym(library, "avdevice_register_all");
        if (found != nullptr) {
            reinterpret_cast<void (*)()>(found)();
        }
        return found != nullptr;
    }();
    if (!loaded) {
        return std::unexpected(Fault{
            fmt::format("cameras, screens and microphones need the package libavdevice{}, which is not here",
                        avformat_version() >> 16U),
            true});
    }
    return {};
}

}   // namespace millrace::capture
