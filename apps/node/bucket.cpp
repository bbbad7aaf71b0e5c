#include "apps/node/bucket.hpp"

#include "apps/node/outside_module.hpp"
#include "archive/object_place.hpp"

#include <stdexcept>

namespace millrace::apps {

namespace {

std::string secret_of(const control::ObjectRule& rule) {
    return rule.secret_key.empty() ? read_secret(rule.secret_key_file, "storage.objects.secret_key_file")
                                   : rule.secret_key;
}

archive::ObjectPlace place_of(const control::Configuration& configuration) {
    const control::ObjectRule& rule = configuration.objects;
    return {.endpoint = rule.endpoint,
            .bucket = rule.bucket,
            .region = rule.region,
            .access_key = rule.access_key,
            .secret_key = secret_of(rule),
            .prefix = rule.prefix,
            .verify = configuration.tls_verify,
            .ca_file = rule.ca_file,
            .outgoing = OutgoingRules{configuration.outgoing_allow}};
}

/// What is read may be another node's.
archive::ObjectPlace without_prefix(archive::ObjectPlace place) {
    place.prefix.clear();
    return place;
}

std::unique_ptr<archive::ObjectStore> open_store(const archive::ObjectPlace& place) {
    const auto open = reinterpret_cast<archive::OpenObjectStore>(
        find_outside(archive::open_object_store_name, "storage.objects"));
    std::unique_ptr<archive::ObjectStore> store{open(place)};
    if (!store) {
        throw std::runtime_error("storage.objects: libcurl does not start");
    }
    return store;
}

}   // namespace

Bucket::Bucket(const control::Configuration& configuration)
    : label_{place_of(configuration).label()},
      root_{place_of(configuration).root()},
      far_{open_store(place_of(configuration))},
      near_{open_store(without_prefix(place_of(configuration)))},
      out_{1, archive::BucketMeans::works_max},
      in_{1, archive::BucketMeans::works_max} {
}

archive::BucketMeans Bucket::means() {
    return {.bucket = label_, .out = {out_, *far_}, .in = {in_, *near_}, .root = root_};
}

void Bucket::stop() {
    far_->stop();
    near_->stop();
    out_.stop();
    in_.stop();
}

}   // namespace millrace::apps
