#include "outside/pg_catalogue.hpp"
#include "outside/s3_store.hpp"

// What `millrace` loads of the room `outside`: one function for each seam.

extern "C" __attribute__((visibility("default"))) millrace::archive::ObjectStore* millrace_open_object_store(
    const millrace::archive::ObjectPlace& place) {
    return millrace::outside::S3Store::open(place);
}

extern "C" __attribute__((visibility("default"))) millrace::archive::Catalogue* millrace_open_catalogue(
    const millrace::archive::CataloguePlace& place) {
    return millrace::outside::PgCatalogue::open(place);
}

static_assert(std::is_same_v<decltype(&millrace_open_catalogue), millrace::archive::OpenCatalogue>);
static_assert(std::is_same_v<decltype(&millrace_open_object_store), millrace::archive::OpenObjectStore>);
