#include "archive/object_file.hpp"

#include "archive/chunk_file.hpp"
#include "hub/name.hpp"

#include <algorithm>
#include <cstring>

namespace millrace::archive {

namespace {

/// An object as a file that is read forwards, through one window.
class ObjectFile final : public FolderFile {
public:
    static constexpr std::size_t window_max = ObjectStore::piece_size / 4;

    ObjectFile(ObjectStore& store, const ObjectStore::Object& object) : store_{store}, object_{object} {}

    Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) override {
        std::size_t done = 0;
        while (done < into.size() && offset + done < object_.size) {
            const std::uint64_t at = offset + done;
            if (Result<> there = look_at(at); !there) {
                return std::unexpected(there.error());
            }
            const auto begin = static_cast<std::size_t>(at - window_at_);
            const std::size_t count = std::min(into.size() - done, window_.size() - begin);
            std::memcpy(into.data() + done, window_.data() + begin, count);
            done += count;
        }
        return done;
    }
    Result<std::uint64_t> size() override { return object_.size; }
    Result<> write(std::uint64_t /*offset*/, ByteSpan /*bytes*/) override { return unchangeable(); }
    Result<> sync() override { return unchangeable(); }
    Result<> truncate(std::uint64_t /*size*/) override { return unchangeable(); }

private:
    static Result<> unchangeable() { return fail(Errc::unsupported, "an object is never changed"); }
    Result<> look_at(std::uint64_t at) {
        if (at >= window_at_ && at < window_at_ + window_.size()) {
            return {};
        }
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(window_max, object_.size - at));
        Result<Bytes> bytes = store_.read(object_.name, at, size);
        if (!bytes) {
            return std::unexpected(bytes.error());
        }
        window_ = std::move(*bytes);
        window_at_ = at;
        return window_.empty() ? Result<>{fail(Errc::malformed, "the object ends early")} : Result<>{};
    }

    ObjectStore& store_;
    const ObjectStore::Object& object_;
    Bytes window_;
    std::uint64_t window_at_ = 0;
};

}   // namespace

std::string object_name(const FileRow& row) {
    return fmt::format("{}/{}/{}", row.facts.stream, row.facts.run, file_name(own_id(row.id)));
}

std::optional<ReadObjectName> read_object_name(std::string_view name) {
    const std::size_t file_at = name.rfind('/');
    const std::size_t run_at =
        file_at == std::string_view::npos || file_at == 0 ? file_at : name.rfind('/', file_at - 1);
    if (run_at == std::string_view::npos || run_at == 0 || run_at + 1 >= file_at) {
        return std::nullopt;
    }
    const std::optional<std::uint64_t> id = file_id(name.substr(file_at + 1));
    const auto stream = hub::StreamName::parse(name.substr(0, run_at));
    return id && stream ? std::optional{ReadObjectName{stream->text(), *id}} : std::nullopt;
}

Result<FoundFile> read_object(ObjectStore& store, const ObjectStore::Object& object) {
    const std::optional<ReadObjectName> name = read_object_name(object.name);
    if (!name) {
        return fail(Errc::malformed, "it has not the name of a recording");
    }
    ObjectFile file{store, object};
    Result<FileScan> found = scan(file, name->id, Depth::heads);
    if (!found) {
        return std::unexpected(found.error());
    }
    if (found->fragments.empty() || found->init_size == 0 || found->facts.stream != name->stream) {
        return fail(Errc::malformed, "it is not the recording that its name says");
    }
    std::vector<std::byte> init(static_cast<std::size_t>(found->init_size));
    if (const Result<std::size_t> read = file.read(found->init_offset, init); !read) {
        return std::unexpected(read.error());
    }
    const Fragment& last = found->fragments.back();
    return FoundFile{.row = {.id = name->id,
                             .facts = std::move(found->facts),
                             .seal_cause = found->cause,
                             .init = Bytes{std::move(init)},
                             .state = FileState::sealed,
                             .begin = found->fragments.front().utc,
                             .end = {last.utc.microseconds + last.duration_us},
                             .bytes = found->size,
                             .home = Home::bucket},
                     .fragments = std::move(found->fragments)};
}

}   // namespace millrace::archive
