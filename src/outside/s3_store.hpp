#pragma once

#include "archive/object_place.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::outside {

/// A bucket of an S3-compatible server, by libcurl: path-style addresses, Signature Version 4. One thread at
/// a time; a connection is kept for the next call.
class S3Store final : public archive::ObjectStore {
public:
    static constexpr long connect_ms_max = 10'000;
    /// Fewer bytes a second over so many seconds: the server is away.
    static constexpr long slow_bytes = 100;
    static constexpr long slow_seconds = 15;
    static constexpr std::size_t document_max = std::size_t{4} << 20U;

    /// For whoever calls it to own; null: libcurl does not start.
    static archive::ObjectStore* open(const archive::ObjectPlace& place);
    explicit S3Store(archive::ObjectPlace place);
    S3Store(const S3Store&) = delete;
    S3Store& operator=(const S3Store&) = delete;
    ~S3Store() override;

    Result<> begin(const std::string& name, std::uint64_t size) override;
    Result<> put(ByteSpan piece) override;
    Result<Arrival> finish() override;
    Result<Bytes> read(const std::string& name, std::uint64_t offset, std::size_t size) override;
    Result<> remove(const std::string& name) override;
    Result<std::vector<Object>> list(const std::string& after) override;
    void stop() override { stopped_ = true; }

private:
    class Call;   // one request and its answer
    struct Request {
        const char* method = "GET";
        std::string address;   // behind the endpoint, encoded
        ByteSpan body{};
        std::string range{};   // "0-99"
        std::size_t answer_max = document_max;
    };
    struct Answer {
        long status = 0;
        std::vector<std::byte> body;
        std::string etag;           // without its quotation marks
        std::int64_t length = -1;   // as it was said

        std::string_view text() const { return {reinterpret_cast<const char*>(body.data()), body.size()}; }
    };
    struct Upload {
        std::string name;
        std::uint64_t size = 0;
        std::string id;                   // of one in parts, once it began
        std::string digests;              // MD5 of each part, binary
        std::vector<std::string> etags;   // as the server calls them
    };

    /// Errc::refused, timed_out, closed, cancelled, and what `read_error` says.
    Result<Answer> ask(const Request& request);
    std::string address_of(const std::string& name) const;
    Result<> begin_parts();
    Result<> end_parts();

    archive::ObjectPlace place_;
    void* curl_ = nullptr;
    Upload upload_;
    std::atomic<bool> stopped_ = false;
};

}   // namespace millrace::outside
