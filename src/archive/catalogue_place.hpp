#pragma once

#include "archive/catalogue.hpp"
#include "base/outgoing.hpp"

#include <string>

namespace millrace::archive {

/// Which catalogue, where, and who this node is in it.
struct CataloguePlace {
    std::string host;
    std::uint16_t port = 0;
    std::string user;
    std::string password;   ///< empty: none is asked for
    std::string database;
    std::string node;      ///< what this node calls itself there; no other does
    std::string address;   ///< where people find it; may be empty
    bool verify = true;    ///< the server has a good certificate,
    std::string ca_file;   ///< signed by one of these; empty: of the system's
    bool writes = false;   ///< this end tells what the node has; the other only asks
    OutgoingRules outgoing;
};

/// What the module of `outside` has under `open_catalogue_name`. Whoever calls it owns what it gives, and
/// keeps the module loaded.
using OpenCatalogue = Catalogue* (*)(const CataloguePlace& place);
inline constexpr const char* open_catalogue_name = "millrace_open_catalogue";

}   // namespace millrace::archive
