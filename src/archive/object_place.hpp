#pragma once

#include "archive/object_store.hpp"
#include "base/outgoing.hpp"

#include <string>

namespace millrace::archive {

/// Which bucket, where, and with which keys.
struct ObjectPlace {
    std::string endpoint;   ///< "https://s3.eu-central-1.amazonaws.com", without a path
    std::string bucket;
    std::string region;
    std::string access_key;
    std::string secret_key;
    std::string prefix;    ///< in front of every name; empty, or it ends with '/'
    bool verify = true;    ///< the server has a good certificate,
    std::string ca_file;   ///< signed by one of these; empty: of the system's
    OutgoingRules outgoing;

    /// What the index calls the bucket: no key is in it.
    std::string label() const { return root() + prefix; }
    std::string root() const { return endpoint + "/" + bucket + "/"; }
};

/// What the module of `outside` has under `open_object_store_name`. Null: libcurl cannot be used. Whoever
/// calls it owns what it gives, and keeps the module loaded.
using OpenObjectStore = ObjectStore* (*)(const ObjectPlace& place);
inline constexpr const char* open_object_store_name = "millrace_open_object_store";

}   // namespace millrace::archive
