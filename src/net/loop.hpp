#pragma once

// Asio's side of a Worker: only for the .cpp files of this room that must speak Asio.

#include "net/worker.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

namespace millrace::net {

/// A worker's Asio side.
struct Worker::Loop {
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{context.get_executor()};
};

}   // namespace millrace::net
