#pragma once

#include <string>
#include <string_view>

namespace millrace::apps {

/// Writes what applications say to a publisher to a FIFO, a file or stdout ("-"), one JSON object a line. It
/// waits for nobody: what a FIFO without room does not take is left out and said in the log. One thread.
class MessageOutlet {
public:
    /// Throws control::ConfigurationError where the place cannot be opened.
    explicit MessageOutlet(const std::string& place);
    MessageOutlet(const MessageOutlet&) = delete;
    MessageOutlet& operator=(const MessageOutlet&) = delete;
    ~MessageOutlet();

    void write(std::string_view json);

private:
    int descriptor_;
};

}   // namespace millrace::apps
