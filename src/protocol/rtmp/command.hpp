#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "container/amf0.hpp"
#include "protocol/rtmp/message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace millrace::rtmp {

/// A call, an answer or a notice (§7.2): AMF0 values one after another, name first.
struct Command {
    std::string name;
    double transaction = 0;               ///< 0: no answer is wanted
    std::vector<amf0::Value> arguments;   ///< the first is the command object, null for most

    const std::string* text(std::size_t argument) const;
    const double* number(std::size_t argument) const;
    const bool* boolean(std::size_t argument) const;
};

/// Reads a command message of either kind; the AMF3 kind is AMF0 behind one zero byte. Arguments that AMF0
/// cannot tell end the list; anything malformed is an error.
Result<Command> read_command(const Message& message);

std::vector<std::byte> encode(const Command& command);

/// The object that onStatus, and most answers, carry.
amf0::Value status(std::string_view level, std::string_view code, std::string_view description);

}   // namespace millrace::rtmp
