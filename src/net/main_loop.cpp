#include "net/main_loop.hpp"

#include <signal.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

namespace millrace::net {

struct MainLoop::Parts {
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{context.get_executor()};
    boost::asio::signal_set signals{context, SIGINT, SIGTERM, SIGHUP};
};

MainLoop::MainLoop() : parts_{std::make_unique<Parts>()} {
    wait_for_signal();
}

MainLoop::~MainLoop() = default;

void MainLoop::wait_for_signal() {
    parts_->signals.async_wait([this](const boost::system::error_code& error, int signal) {
        if (!error) {
            wait_for_signal();
            take(signal);
        }
    });
}

void MainLoop::take(int signal) {
    if (signal == SIGHUP) {
        if (on_signal_.reload && !stopping_) {
            on_signal_.reload();
        }
        return;
    }
    const bool first = !std::exchange(stopping_, true);
    if (first && on_signal_.stop) {
        on_signal_.stop();
    } else if (first || signal == SIGINT) {
        parts_->context.stop();
    }
}

void MainLoop::post(std::move_only_function<void()> work) {
    boost::asio::post(parts_->context, std::move(work));
}

void MainLoop::leave() {
    parts_->context.stop();
}

void MainLoop::run() {
    parts_->context.run();
    boost::system::error_code ignored;
    parts_->signals.clear(ignored);   // back to what the system does
}

}   // namespace millrace::net
