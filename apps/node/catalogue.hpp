#pragma once

#include "archive/catalogue.hpp"
#include "control/configuration.hpp"
#include "net/background_threads.hpp"

#include <memory>
#include <string>

namespace millrace::apps {

/// The catalogue that a node shares with others: two ends of it, each on a thread of its own, made by the
/// module that links libpq. What it gave is used until `stop`.
class CatalogueEnds {
public:
    /// `configuration` names one. Throws std::runtime_error where the module or the password's file lacks.
    explicit CatalogueEnds(const control::Configuration& configuration);
    CatalogueEnds(const CatalogueEnds&) = delete;
    CatalogueEnds& operator=(const CatalogueEnds&) = delete;
    ~CatalogueEnds() { stop(); }

    /// `bucket_root`: see archive::CatalogueMeans.
    archive::CatalogueMeans means(std::string bucket_root);
    /// Ends what is under way; nothing is done any more.
    void stop();

private:
    std::string label_;
    std::unique_ptr<archive::Catalogue> writer_;
    std::unique_ptr<archive::Catalogue> reader_;
    net::BackgroundThreads out_;
    net::BackgroundThreads in_;
};

}   // namespace millrace::apps
