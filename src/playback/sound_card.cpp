#include "playback/sound_device.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace millrace::playback {

namespace {

using capture::Fault;
using capture::Outcome;

/// What of libasound is used (alsa-lib's pcm.h, whose binary interface is stable). It is loaded when sound is
/// first wanted, as the devices of capture are: a server has no use for it.
struct Asound {
    using Pcm = void;                                    // snd_pcm_t
    using Complaint = void (*)(const char* file, ...);   // and more, which nobody reads here

    int (*set_complaint)(Complaint) = nullptr;
    int (*open)(Pcm**, const char* name, int stream, int mode) = nullptr;
    int (*set_params)(Pcm*, int format, int access, unsigned channels, unsigned rate, int resample,
                      unsigned latency_us) = nullptr;
    long (*write)(Pcm*, const void* samples, unsigned long frames) = nullptr;
    int (*delay)(Pcm*, long* frames) = nullptr;
    int (*state)(Pcm*) = nullptr;
    int (*start)(Pcm*) = nullptr;
    int (*recover)(Pcm*, int error, int silent) = nullptr;
    int (*close)(Pcm*) = nullptr;
};

constexpr int stream_playback = 0;
constexpr int mode_nonblock = 1;
constexpr int format_s16_le = 2;
constexpr int access_interleaved = 3;
constexpr int resample = 1;
constexpr int state_prepared = 2;
constexpr unsigned buffer_us = 200'000;

void say_nothing(const char* /*file*/, ...) {
}

template <class Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
}

/// Null where it is not installed. Loaded for the life of the process.
const Asound* asound() {
    static const std::unique_ptr<const Asound> loaded = [] {
        auto calls = std::make_unique<Asound>();
        void* const library = dlopen("libasound.so.2", RTLD_NOW | RTLD_LOCAL);
        const bool whole =
            library != nullptr && find(library, "snd_lib_error_set_handler", calls->set_complaint) &&
            find(library, "snd_pcm_open", calls->open) &&
            find(library, "snd_pcm_set_params", calls->set_params) &&
            find(library, "snd_pcm_writei", calls->write) && find(library, "snd_pcm_delay", calls->delay) &&
            find(library, "snd_pcm_state", calls->state) && find(library, "snd_pcm_start", calls->start) &&
            find(library, "snd_pcm_recover", calls->recover) && find(library, "snd_pcm_close", calls->close);
        if (whole) {
            calls->set_complaint(say_nothing);   // what is wrong is said in our words
        }
        return whole ? std::move(calls) : nullptr;
    }();
    return loaded.get();
}

Fault card_fault(const std::string& name, int error) {
    switch (-error) {
        case ENOENT:
        case ENODEV:
        case ENXIO:
            return {fmt::format("the sound card {} is not there; aplay -L lists those that are", name),
                    false};
        case EBUSY: return {fmt::format("the sound card {} is in use by another program", name), false};
        case EACCES:
        case EPERM:
            return {
                fmt::format("the sound card {} may not be opened; is this user in the group audio?", name),
                false};
        case ECONNREFUSED: return {fmt::format("the sound server behind {} does not answer", name), false};
        default: return {fmt::format("the sound card {}: {}", name, std::strerror(-error)), false};
    }
}

class SoundCard final : public SoundDevice {
public:
    SoundCard(const Asound& calls, Asound::Pcm* pcm, std::string name)
        : calls_{calls}, pcm_{pcm}, name_{std::move(name)} {}
    SoundCard(const SoundCard&) = delete;
    SoundCard& operator=(const SoundCard&) = delete;
    ~SoundCard() override { calls_.close(pcm_); }

    Outcome<std::size_t> write(std::span<const std::int16_t> samples) override {
        const unsigned long frames = samples.size() / sound_channels;
        long written = calls_.write(pcm_, samples.data(), frames);
        if (written == -EPIPE || written == -ESTRPIPE) {   // it ran dry, or the machine slept
            const int recovered = calls_.recover(pcm_, static_cast<int>(written), 1);
            written = recovered < 0 ? recovered : calls_.write(pcm_, samples.data(), frames);
        }
        if (written == -EAGAIN || written == -EINTR) {
            return 0;
        }
        if (written < 0) {
            return std::unexpected(card_fault(name_, static_cast<int>(written)));
        }
        if (calls_.state(pcm_) == state_prepared) {
            calls_.start(pcm_);   // by itself it would wait until it is full
        }
        return static_cast<std::size_t>(written);
    }

    Duration held() override {
        long frames = 0;
        const bool known = calls_.delay(pcm_, &frames) == 0 && frames > 0;
        return known ? sound_duration(static_cast<std::size_t>(frames)) : Duration{0};
    }

private:
    const Asound& calls_;
    Asound::Pcm* pcm_;
    std::string name_;
};

}   // namespace

Outcome<std::unique_ptr<SoundDevice>> open_sound_card(const std::string& name) {
    const Asound* const calls = asound();
    if (calls == nullptr) {
        return std::unexpected(Fault{"sound needs the package libasound2, which is not here", true});
    }
    Asound::Pcm* pcm = nullptr;
    const int opened = calls->open(&pcm, name.c_str(), stream_playback, mode_nonblock);
    if (opened < 0) {
        return std::unexpected(card_fault(name, opened));
    }
    auto card = std::make_unique<SoundCard>(*calls, pcm, name);
    const int set = calls->set_params(pcm, format_s16_le, access_interleaved, sound_channels,
                                      static_cast<unsigned>(sound_rate), resample, buffer_us);
    if (set < 0) {
        return std::unexpected(
            Fault{fmt::format("the sound card {} plays no 48 kHz in two channels of 16 bits; try plug:{}",
                              name, name),
                  false});
    }
    return card;
}

}   // namespace millrace::playback
