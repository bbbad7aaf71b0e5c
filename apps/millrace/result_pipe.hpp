#pragma once

#include "media/timed_message.hpp"

#include <functional>
#include <string>
#include <thread>

namespace millrace::apps {

/// Reads results from a FIFO, a file or stdin ("-"), one JSON object a line, on a thread of its own. Lines
/// that are none are left out and said in the log. A FIFO stays open when its writer leaves: the next may
/// come.
class ResultPipe {
public:
    /// Called on the pipe's thread.
    using Take = std::function<void(media::TimedMessage message)>;

    /// Throws control::ConfigurationError where the place cannot be opened.
    ResultPipe(const std::string& place, Take take);
    ResultPipe(const ResultPipe&) = delete;
    ResultPipe& operator=(const ResultPipe&) = delete;
    ~ResultPipe();

private:
    void run(const std::stop_token& stopped);
    void take_lines();
    void take_line(std::string_view line);

    Take take_;
    int descriptor_;
    std::string unread_;      // the beginning of a line
    bool too_long_ = false;   // it is passed over
    std::jthread thread_;
};

}   // namespace millrace::apps
