#pragma once

#include <cstdio>
#include <string_view>

namespace millrace::apps {

/// Where a verb says how it goes, once a second: machines read whole lines on stdout, people one line on
/// stderr that is written over where stderr is a terminal. One thread at a time.
class StatusLine {
public:
    /// `machines` is where machines read.
    explicit StatusLine(bool for_machines, std::FILE* machines = stdout);
    StatusLine(const StatusLine&) = delete;
    StatusLine& operator=(const StatusLine&) = delete;
    /// Leaves the last line standing.
    ~StatusLine();

    void say(std::string_view line);
    /// One sentence, on stderr in any case.
    void complain(std::string_view words);

private:
    bool for_machines_;
    std::FILE* machines_;
    bool overwrites_;
    bool begun_ = false;   // a line stands there without its end
};

}   // namespace millrace::apps
