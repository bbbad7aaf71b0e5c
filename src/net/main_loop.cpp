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
    boost::asio::signal_set signals{context, SIGINT, SIGTERM};
};

MainLoop::MainLoop() : parts_{std::make_unique<Parts>()} {
    parts_->signals.async_wait([this](const boost::system::error_code& error, int) {
        if (!error) {
            parts_->context.stop();
        }
    });
}

MainLoop::~MainLoop() = default;

void MainLoop::post(std::move_only_function<void()> work) {
    boost::asio::post(parts_->context, std::move(work));
}

void MainLoop::run() {
    parts_->context.run();
    boost::system::error_code ignored;
    parts_->signals.clear(ignored);   // back to what the system does
}

}   // namespace millrace::net
