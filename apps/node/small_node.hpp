#pragma once

#include "apps/node/node.hpp"
#include "base/virtual_storage.hpp"
#include "control/one_stream.hpp"
#include "control/report_json.hpp"

#include <functional>

namespace millrace::apps {

/// What there is to see of a small node's stream: as its home reports it (`waiting` while nobody publishes
/// it, with what its source does in words), and who takes it, with the destinations.
struct SmallSight {
    hub::StreamReport stream;
    control::Audience audience;
    Instant now;
};

/// A node inside a program, for one stream: one worker, its source at once, and nothing that is kept. It
/// listens only if the stream says so. Owned by the main thread.
class SmallNode {
public:
    using Look = std::move_only_function<void(const SmallSight&)>;

    /// Throws control::ConfigurationError where the words of the stream are wrong, and std::runtime_error.
    explicit SmallNode(const control::OneStream& stream);

    /// Shows the stream again and again, on the node's thread aside. Once, before `run`.
    void watch(Duration every, Look look);
    /// Has the stream decoded. Once, before `run`; `play` outlives this.
    void play(session::DecodedPlay& play) { node_.play(play); }
    /// Of the stream, for whoever plays it.
    const std::string& stream() const { return name_; }
    Addresses addresses() const { return node_.addresses(); }
    /// Says something of the stream's pictures, beside them. Any thread.
    void say(media::TimedMessage message) { node_.say(name_, std::move(message)); }
    /// Gives out what applications say to who publishes the stream. Once, before `run`.
    void hear(Node::Hear take) { node_.hear(name_, std::move(take)); }
    /// Until SIGINT, SIGTERM or `stop`, and then until what can be ended in good order has ended.
    void run();
    /// Any thread, once it runs.
    void stop() { node_.stop(); }

private:
    std::string name_;
    VirtualStorage nothing_lasts_;
    Node node_;
};

}   // namespace millrace::apps
