#include "protocol/rtmp/command.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

namespace millrace::rtmp {

namespace {

constexpr std::size_t arguments_max = 32;

const amf0::Value* at(const std::vector<amf0::Value>& values, std::size_t index) {
    return index < values.size() ? &values[index] : nullptr;
}

}   // namespace

const std::string* Command::text(std::size_t argument) const {
    const amf0::Value* value = at(arguments, argument);
    return value == nullptr ? nullptr : value->text();
}

const double* Command::number(std::size_t argument) const {
    const amf0::Value* value = at(arguments, argument);
    return value == nullptr ? nullptr : value->number();
}

const bool* Command::boolean(std::size_t argument) const {
    const amf0::Value* value = at(arguments, argument);
    return value == nullptr ? nullptr : value->boolean();
}

Result<Command> read_command(const Message& message) {
    ByteReader reader{message.body};
    if (message.type == MessageType::command_amf3 && reader.u8() != 0) {
        return fail(Errc::unsupported, "a command in AMF3 alone");
    }
    const auto name = amf0::read(reader);
    if (!name) {
        return std::unexpected(name.error());
    }
    // ffmpeg as a server says "onFCPublish" and nothing behind it: what has no transaction wants no answer.
    const auto transaction = reader.at_end() ? Result<amf0::Value>{amf0::Value{0.0}} : amf0::read(reader);
    if (!transaction) {
        return std::unexpected(transaction.error());
    }
    if (name->text() == nullptr || transaction->number() == nullptr) {
        return fail(Errc::malformed, "a command without name or transaction");
    }
    Command command{.name = *name->text(), .transaction = *transaction->number(), .arguments = {}};
    while (!reader.at_end()) {
        if (command.arguments.size() == arguments_max) {
            return fail(Errc::exhausted, "a command has too many arguments");
        }
        auto argument = amf0::read(reader);
        if (!argument && argument.error().code == Errc::unsupported) {
            break;
        }
        if (!argument) {
            return std::unexpected(argument.error());
        }
        command.arguments.push_back(*std::move(argument));
    }
    return command;
}

std::vector<std::byte> encode(const Command& command) {
    std::vector<std::byte> bytes;
    ByteWriter writer{bytes};
    amf0::write(writer, command.name);
    amf0::write(writer, command.transaction);
    for (const amf0::Value& argument : command.arguments) {
        amf0::write(writer, argument);
    }
    return bytes;
}

amf0::Value status(std::string_view level, std::string_view code, std::string_view description) {
    return amf0::object({{"level", level}, {"code", code}, {"description", description}});
}

}   // namespace millrace::rtmp
