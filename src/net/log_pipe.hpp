#pragma once

#include "net/watch.hpp"

#include <string>

namespace millrace::net {

/// The reading end of somebody's stderr: each line goes to our log as soon as it is whole. Longer lines than
/// `line_max` are cut into several. Own thread only.
class LogPipe final : private Watch::Owner {
public:
    static constexpr std::size_t line_max = 400;

    /// `who` stands before each line: "millrace-media 4711".
    LogPipe(Worker& worker, Descriptor pipe, std::string who);
    /// Logs what is still there.
    ~LogPipe();

private:
    void on_ready(Watch::Direction direction) override;
    /// Reads what is there; false at the end.
    bool drain();
    void take(std::string_view text);
    void write_line();

    std::string who_;
    std::string line_;
    Watch watch_;
};

}   // namespace millrace::net
