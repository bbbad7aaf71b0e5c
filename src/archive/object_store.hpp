#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::archive {

/// The seam to a bucket: objects that are put whole, read in ranges, and never changed. Its calls block, and
/// come from one thread at a time, but `stop`. Names are ours: '/' parts them, any other byte may be in them.
/// Errc::not_found: there is no such object; refused: keys, bucket or address are not right, and a person has
/// to do something; exhausted: the bucket is full; timed_out, closed, io: it is away; malformed: what answers
/// speaks another language; cancelled: stopped. Texts of errors never have a key.
class ObjectStore {
public:
    /// What one `put` takes and what one `read` of a whole object asks for: memory is bounded by it.
    static constexpr std::size_t piece_size = std::size_t{8} << 20U;
    static constexpr std::size_t name_size_max = 1024;   ///< of S3, with the prefix
    static constexpr std::size_t page_max = 1000;        ///< objects of one `list`

    struct Object {
        std::string name;
        std::uint64_t size = 0;
    };
    /// What is known of an object once it is in: `proven`: that its bytes are those that were put; `there`:
    /// that it is as long, and its bytes are to be read back.
    enum class Arrival : std::uint8_t { proven, there };

    virtual ~ObjectStore() = default;
    /// An object of `size` bytes begins; one that was under way is given up. It is there under its name
    /// after `finish`, and not before.
    virtual Result<> begin(const std::string& name, std::uint64_t size) = 0;
    /// Its next piece: `piece_size` bytes, or what is left.
    virtual Result<> put(ByteSpan piece) = 0;
    virtual Result<Arrival> finish() = 0;

    /// Exactly that range. Errc::malformed: the object is shorter.
    virtual Result<Bytes> read(const std::string& name, std::uint64_t offset, std::size_t size) = 0;
    /// One that is not there is gone already.
    virtual Result<> remove(const std::string& name) = 0;
    /// Objects behind `after` in the order of their names; none: these were all.
    virtual Result<std::vector<Object>> list(const std::string& after) = 0;

    /// Ends the call under way, and all that come. Any thread.
    virtual void stop() = 0;
};

}   // namespace millrace::archive
