#include "apps/node/catalogue.hpp"

#include "apps/node/outside_module.hpp"
#include "archive/catalogue_place.hpp"

namespace millrace::apps {

namespace {

std::unique_ptr<archive::Catalogue> open_end(const control::Configuration& configuration, bool writes) {
    const control::CatalogueRule& rule = configuration.catalogue;
    const auto open = reinterpret_cast<archive::OpenCatalogue>(
        find_outside(archive::open_catalogue_name, "storage.catalogue"));
    return std::unique_ptr<archive::Catalogue>{
        open({.host = rule.host,
              .port = rule.port,
              .user = rule.user,
              .password = rule.password_file.empty()
                              ? rule.password
                              : read_secret(rule.password_file, "storage.catalogue.password_file"),
              .database = rule.database,
              .node = rule.node,
              .address = rule.address,
              .verify = configuration.tls_verify,
              .ca_file = rule.ca_file,
              .writes = writes,
              .outgoing = OutgoingRules{configuration.outgoing_allow}})};
}

}   // namespace

CatalogueEnds::CatalogueEnds(const control::Configuration& configuration)
    : label_{configuration.catalogue.url()},
      writer_{open_end(configuration, true)},
      reader_{open_end(configuration, false)},
      out_{1, archive::CatalogueMeans::works_max},
      in_{1, archive::CatalogueMeans::works_max} {
}

archive::CatalogueMeans CatalogueEnds::means(std::string bucket_root) {
    return {.label = label_,
            .bucket_root = std::move(bucket_root),
            .out = {out_, *writer_},
            .in = {in_, *reader_}};
}

void CatalogueEnds::stop() {
    writer_->stop();
    reader_->stop();
    out_.stop();
    in_.stop();
}

}   // namespace millrace::apps
