#pragma once

#include "base/connection.hpp"
#include "net/descriptor.hpp"

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace millrace::apps {

/// The demo's second node: a process of its own (`millrace serve`), so that it can be killed as by a power
/// cut and started again on the same folder and ports. A thread starts it, and asks it how it does.
class DemoServer {
public:
    struct Wish {
        std::string address;                ///< numeric, for HTTP; links come to 127.0.0.1
        std::string stream;                 ///< recorded by it
        std::string folder;                 ///< its `storage.path`
        std::string token;                  ///< lets somebody in; empty: it is open
        std::vector<std::string> options;   ///< more of the command line
    };
    /// What it said of itself last, as JSON; "null" while it says nothing.
    struct Said {
        bool runs = false;
        std::string stream = "null";
        std::string recordings = "null";
    };

    /// Starts it and waits until it listens. Throws std::runtime_error.
    explicit DemoServer(Wish wish);
    DemoServer(const DemoServer&) = delete;
    DemoServer& operator=(const DemoServer&) = delete;
    /// Ends the process, too.
    ~DemoServer();

    const Endpoint& http() const { return http_; }
    std::uint16_t link_port() const { return link_port_; }
    const std::string& fingerprint() const { return fingerprint_; }

    /// Whether it is to run: else it is killed at once. Any thread.
    void want(bool running) { wanted_ = running; }
    bool is_wanted() const { return wanted_; }
    std::shared_ptr<const Said> said() const { return said_; }

private:
    void run(const std::stop_token& stop, std::atomic<bool>& begun);
    /// The first start: finds a port.
    bool begin();
    bool start();
    void kill();
    bool has_ended();
    bool read_listeners(const net::Descriptor& from);
    void look();
    std::string ask(const std::string& path) const;

    Wish wish_;
    Endpoint http_;
    std::uint16_t link_port_ = 0;
    std::string fingerprint_;
    std::atomic<bool> wanted_ = true;
    std::atomic<std::shared_ptr<const Said>> said_{std::make_shared<const Said>()};
    pid_t process_ = 0;   // of its thread; 0: none
    net::Descriptor output_;
    // Last: the kernel ends the process with the thread that started it.
    std::jthread thread_;
};

}   // namespace millrace::apps
