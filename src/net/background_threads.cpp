#include "net/background_threads.hpp"

#include "base/check.hpp"
#include "base/log.hpp"

#include <stdexcept>
#include <system_error>

namespace millrace::net {

BackgroundThreads::BackgroundThreads(unsigned threads, std::size_t waiting) : queue_{waiting} {
    check(threads > 0, "work needs a thread");
    threads_.reserve(threads);
    try {
        for (unsigned i = 0; i < threads; ++i) {
            threads_.emplace_back([this] { work_on(); });
        }
    } catch (const std::system_error& error) {
        if (threads_.empty()) {
            throw std::runtime_error(fmt::format(
                "no thread to be had ({}): raise the limit of threads (ulimit -u, TasksMax)", error.what()));
        }
        log::warning("net", "{} of {} background threads started; the system gives no more", threads_.size(),
                     threads);
    }
}

BackgroundThreads::~BackgroundThreads() {
    stop();
}

void BackgroundThreads::stop() {
    queue_.close();
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

void BackgroundThreads::work_on() {
    while (auto work = queue_.pop()) {
        (*work)();
    }
}

}   // namespace millrace::net
