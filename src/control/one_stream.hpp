#pragma once

#include "control/configuration.hpp"

#include <string>
#include <vector>

namespace millrace::control {

/// What a source of this machine is encoded as, in the words of a source's query; what is empty stays as the
/// source has it.
struct EncodeWords {
    std::string codec;   ///< "copy": as a device or file has it
    std::string size;
    std::string fps;
    std::string bitrate;
    std::string gop;
    std::string audio;
};
/// The source with these words in its query. Throws ConfigurationError for a source that is never encoded.
std::string encoded(std::string source, const EncodeWords& words);

/// The one stream of a node that has no configuration file, as a command line says it.
struct OneStream {
    std::string name = "cam";
    std::string source;              ///< as `streams.NAME.source`
    std::vector<std::string> to{};   ///< as `streams.NAME.forward`
    /// The one listener, such as {"rtsp", {"::", 8554}}: anyone may play the stream there. No protocol:
    /// nothing listens.
    std::string protocol;
    Endpoint listen;
    std::string transport{};   ///< as `streams.NAME.transport`; empty: as it comes
};

/// Reads "rtsp://:8554/cam", or http or rtmp: an address of this machine, or none for all, and the stream's
/// name. Throws ConfigurationError.
void read_listen_address(OneStream& stream, const std::string& text);

/// The configuration that says so. It connects to any address: whoever types a command is trusted. Throws
/// ConfigurationError in words for who typed it, without a place.
ConfigurationSources sources_of(const OneStream& stream);

}   // namespace millrace::control
