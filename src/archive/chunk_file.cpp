#include "archive/chunk_file.hpp"

#include "archive/checksum.hpp"

#include <fmt/core.h>

#include <charconv>

namespace millrace::archive {

namespace {

constexpr std::string_view ending = ".mp4";
constexpr std::size_t id_digits = 10;

}   // namespace

std::string file_name(std::uint64_t id) {
    return fmt::format("{:010}{}", id, ending);
}

std::optional<std::uint64_t> file_id(std::string_view name) {
    if (!name.ends_with(ending) || name.size() < id_digits + ending.size()) {
        return std::nullopt;
    }
    name.remove_suffix(ending.size());
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    const bool whole = error == std::errc{} && end == name.data() + name.size();
    return whole ? std::optional{id} : std::nullopt;
}

Result<ChunkFile> ChunkFile::make(Folder& folder, std::uint64_t id, const FileFacts& facts, ByteSpan init) {
    auto file = folder.open(file_name(id), Folder::Open::made_new);
    if (!file) {
        return std::unexpected(file.error());
    }
    ChunkFile made{folder, id, std::move(*file)};
    const std::vector<std::byte> body = facts_body(facts, init);
    made.init_offset_ = head_size + body.size() - init.size();
    made.put({.kind = RecordKind::file}, body);
    if (const Result<> written = made.write_out(); !written) {
        return std::unexpected(written.error());
    }
    return made;
}

void ChunkFile::put(RecordHead head, ByteSpan body) {
    head.body_size = static_cast<std::uint32_t>(body.size());
    head.body_sum = checksum(body);
    head.number = records_++;
    if (head.kind == RecordKind::chunk) {
        if (std::optional<Fragment> done = tally_.add(head, size())) {
            complete_.push_back(*done);
        }
    }
    const std::vector<std::byte> bytes = head_bytes(head, id_);
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    out_.insert(out_.end(), body.begin(), body.end());
}

void ChunkFile::append(RecordHead head, ByteSpan chunk) {
    head.kind = RecordKind::chunk;
    put(head, chunk);
}

void ChunkFile::end_fragment() {
    if (std::optional<Fragment> done = tally_.finish()) {
        complete_.push_back(*done);
    }
}

Result<> ChunkFile::write_out() {
    if (out_.empty()) {
        return {};
    }
    Result<> written = file_->write(written_, out_);
    if (written) {
        written_ += out_.size();
        out_.clear();
    }
    return written;
}

Result<> ChunkFile::sync() {
    if (Result<> written = write_out(); !written) {
        return written;
    }
    if (Result<> synced = file_->sync(); !synced) {
        return synced;
    }
    if (!named_) {
        if (Result<> named = folder_->sync_names(); !named) {
            return named;
        }
        named_ = true;
    }
    synced_ = written_;
    at_sync_ = tally_.open();
    return {};
}

Result<> ChunkFile::seal(const std::string& cause) {
    end_fragment();
    put({.kind = RecordKind::seal}, seal_body(cause));
    return sync();
}

std::vector<Fragment> ChunkFile::take_synced() {
    std::vector<Fragment> sure;
    std::erase_if(complete_, [&](const Fragment& fragment) {
        const bool there = fragment.offset + fragment.size <= synced_;
        if (there) {
            sure.push_back(fragment);
        }
        return there;
    });
    return sure;
}

std::vector<Fragment> ChunkFile::take_rest() {
    std::vector<Fragment> sure = take_synced();
    if (at_sync_ && (sure.empty() || sure.back().offset < at_sync_->offset)) {
        sure.push_back(*at_sync_);
    }
    return sure;
}

}   // namespace millrace::archive
