#pragma once

#include "archive/bucket_means.hpp"
#include "control/configuration.hpp"
#include "net/background_threads.hpp"

#include <memory>

namespace millrace::apps {

/// The bucket of a node's archive: two ends of it, each on a thread of its own, made by the module that links
/// libcurl. What it gave is used until `stop`.
class Bucket {
public:
    /// `configuration` names one. Throws std::runtime_error where the module or the key's file lacks.
    explicit Bucket(const control::Configuration& configuration);
    Bucket(const Bucket&) = delete;
    Bucket& operator=(const Bucket&) = delete;
    ~Bucket() { stop(); }

    archive::BucketMeans means();
    /// Ends what is under way; nothing is done any more.
    void stop();

private:
    std::string label_;
    std::string root_;
    std::unique_ptr<archive::ObjectStore> far_;
    std::unique_ptr<archive::ObjectStore> near_;
    net::BackgroundThreads out_;
    net::BackgroundThreads in_;
};

}   // namespace millrace::apps
