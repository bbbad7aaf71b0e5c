#include "session/archive_reading.hpp"

namespace millrace::session {

namespace {

constexpr Duration read_deadline = 30s;

}   // namespace

Task<Result<std::vector<media::AccessUnit>>> ArchiveReading::read(archive::FoundFragment one) {
    if (file_ != one.file) {
        Answer<Bytes> answer{desk_.executor};
        keeper_.init(stream_, one.file, answer.reply());
        const Result<Bytes> init = co_await answer.within(desk_.executor.now() + read_deadline);
        const Result<> begun = init ? units_.begin_file(*init) : std::unexpected(init.error());
        if (!begun) {
            co_return std::unexpected(begun.error());
        }
        file_ = one.file;
    }
    Answer<Bytes> answer{desk_.executor};
    keeper_.read(stream_, one.file, one.fragment.number, answer.reply());
    const Result<Bytes> chunks = co_await answer.within(desk_.executor.now() + read_deadline);
    co_return chunks ? units_.read(*chunks) : std::unexpected(chunks.error());
}

}   // namespace millrace::session
