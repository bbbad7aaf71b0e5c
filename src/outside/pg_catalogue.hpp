#pragma once

#include "outside/pg_connection.hpp"

#include <string>

namespace millrace::outside {

/// A catalogue in a database of a PostgreSQL server: the tables `millrace_catalogue` (its version),
/// `millrace_nodes` and `millrace_files`, which the first node makes. A node that writes holds a lock of its
/// name while it is connected, so that no other takes its files for its own.
class PgCatalogue final : public archive::Catalogue {
public:
    /// For whoever calls it to own.
    static archive::Catalogue* open(const archive::CataloguePlace& place) { return new PgCatalogue{place}; }
    explicit PgCatalogue(const archive::CataloguePlace& place);
    PgCatalogue(const PgCatalogue&) = delete;
    PgCatalogue& operator=(const PgCatalogue&) = delete;
    ~PgCatalogue() override = default;

    Result<> replace(Ids ids, std::span<const archive::CatalogueFile> files) override;
    Result<std::vector<archive::CatalogueFile>> find(const std::string& stream, archive::Span span,
                                                     std::size_t count_max) override;
    Result<std::optional<archive::CatalogueFile>> file(std::uint64_t id) override;
    std::string words() const override { return connection_.words(); }
    void stop() override { connection_.stop(); }

private:
    /// Connected, and known to it.
    Result<> be_ready();
    Result<> make_tables();
    Result<> learn_number();
    Result<> claim_name();
    /// A question of an end that only asks.
    Result<PgRows> look(const char* sql, std::initializer_list<PgValue> values);
    Result<> put(const archive::CatalogueFile& file, std::uint32_t stamp);

    PgConnection connection_;
    std::string node_;
    std::string address_;
    bool writes_;
    std::int64_t number_ = 0;   // of this node, while it is connected
};

}   // namespace millrace::outside
