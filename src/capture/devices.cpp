#include "capture/devices.hpp"

#include "capture/v4l2_formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace millrace::capture {

namespace {

constexpr std::size_t entries_max = 64;

/// The entries of a folder whose names are the prefix and a number, in order.
std::vector<std::string> numbered(const std::string& folder, std::string_view prefix) {
    std::vector<std::string> numbers;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator{folder, error}) {
        const std::string name = entry.path().filename();
        const std::string_view number = std::string_view{name}.substr(std::min(prefix.size(), name.size()));
        if (name.starts_with(prefix) && !number.empty() && number.size() <= 3 &&
            number.find_first_not_of("0123456789") == std::string_view::npos &&
            numbers.size() < entries_max) {
            numbers.emplace_back(number);
        }
    }
    std::ranges::sort(numbers, {}, [](const std::string& number) { return std::stoi(number); });
    return numbers;
}

/// The lines of /proc/asound/pcm: "00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1".
std::vector<Device> microphones(const std::string& folder) {
    std::vector<Device> found;
    std::ifstream lines{folder + "/pcm"};
    for (std::string line; std::getline(lines, line) && found.size() < entries_max;) {
        int card = 0;
        int device = 0;
        if (line.find("capture") == std::string::npos ||
            std::sscanf(line.c_str(), "%d-%d:", &card, &device) != 2) {
            continue;
        }
        const std::size_t begin = std::min(line.find(": ") + 2, line.size());
        found.push_back({"microphone",
                         fmt::format("alsa:plughw:{},{}", card, device),
                         line.substr(begin, line.find(" :", begin) - begin),
                         {}});
    }
    return found;
}

std::string json_text(std::string_view text) {
    std::string out = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\') {
            out += '\\';
        }
        out += static_cast<unsigned char>(letter) < ' ' ? '?' : letter;
    }
    return out + '"';
}

template <class Items, class Write>
std::string joined(const Items& items, std::string_view between, Write write) {
    std::string out;
    for (const auto& item : items) {
        out += out.empty() ? std::string{} : std::string{between};
        out += write(item);
    }
    return out;
}

std::string rates_text(const DeviceFormat& format, std::string_view between) {
    return joined(format.rates, between, [](double rate) { return fmt::format("{:.4g}", rate); });
}

}   // namespace

DevicePlaces usual_places() {
    DevicePlaces places;
    const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
    const std::string socket = runtime == nullptr ? "" : std::string{runtime} + "/pulse/native";
    std::error_code error;
    if (!socket.empty() && std::filesystem::exists(socket, error)) {
        places.pulse = socket;
    }
    return places;
}

std::vector<Device> find_devices(const DevicePlaces& places) {
    std::vector<Device> found;
    for (const std::string& number : numbered(places.devices, "video")) {
        if (std::optional<Device> camera = ask_camera(places.devices + "/video" + number)) {
            found.push_back(std::move(*camera));
        }
    }
    for (const std::string& number : numbered(places.screens, "X")) {
        found.push_back({"screen", "screen::" + number, "X11 display " + number, {}});
    }
    std::ranges::move(microphones(places.sound), std::back_inserter(found));
    if (!places.pulse.empty()) {
        found.push_back({"microphone", "pulse:default", "the sound server's", {}});
    }
    return found;
}

std::string json_of(const Device& device) {
    const std::string formats = joined(device.formats, ",", [](const DeviceFormat& format) {
        return fmt::format(R"({{"format":{},"size":{},"fps":[{}]}})", json_text(format.format),
                           json_text(format.size), rates_text(format, ","));
    });
    return fmt::format(R"({{"kind":{},"source":{},"name":{},"formats":[{}]}})", json_text(device.kind),
                       json_text(device.source), json_text(device.name), formats);
}

std::string text_of(const std::vector<Device>& devices) {
    if (devices.empty()) {
        return "No camera, screen or microphone is here. The synthetic camera, test:, always is.\n";
    }
    std::string out;
    for (const Device& device : devices) {
        out += fmt::format("{:<11} {:<24} {}\n", device.kind, device.source, device.name);
        for (const DeviceFormat& format : device.formats) {
            out += fmt::format("              format={}&size={}  {} fps\n", format.format, format.size,
                               rates_text(format, ", "));
        }
    }
    return out;
}

std::string list_devices(bool as_text) {
    const std::vector<Device> devices = find_devices(usual_places());
    if (as_text) {
        return text_of(devices);
    }
    return joined(devices, "", [](const Device& device) { return json_of(device) + "\n"; });
}

}   // namespace millrace::capture
