#include "base/growing_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace millrace {

namespace {

constexpr mode_t mode = 0644;   // less what the umask takes

std::string numbered(const std::string& path, unsigned number) {
    if (number == 1) {
        return path;
    }
    const std::size_t slash = path.rfind('/');
    const std::size_t dot = path.rfind('.');
    const bool has_ending = dot != std::string::npos && (slash == std::string::npos || dot > slash + 1);
    const std::size_t at = has_ending ? dot : path.size();
    return fmt::format("{}-{}{}", path.substr(0, at), number, path.substr(at));
}

}   // namespace

Result<std::unique_ptr<GrowingFile>> GrowingFile::begin(const std::string& path, std::string& trouble) {
    for (unsigned number = 1; number <= numbers_max; ++number) {
        std::string part = numbered(path, number) + ".part";
        const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (file >= 0) {
            return std::unique_ptr<GrowingFile>{new GrowingFile{path, std::move(part), file}};
        }
        if (errno != EEXIST) {   // else another is being written, or was left unfinished
            break;
        }
    }
    trouble = fmt::format("{}: {}", path, std::strerror(errno));
    return fail(Errc::io, "the file cannot be written");
}

GrowingFile::~GrowingFile() {
    if (file_ >= 0) {
        ::close(file_);
    }
}

std::unexpected<Error> GrowingFile::failure(const std::string& path) {
    trouble_ = fmt::format("{}: {}", path, std::strerror(errno));
    return fail(Errc::io, "the file cannot be written");
}

Result<> GrowingFile::append(ByteSpan bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(file_, bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) {
            return failure(part_);
        }
        if (count > 0) {
            empty_ = false;
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        }
    }
    return {};
}

Result<> GrowingFile::finish() {
    if (empty_) {
        ::unlink(part_.c_str());
        return {};
    }
    if (::fsync(file_) != 0 && errno != EINVAL) {   // a pipe or device has nothing to be brought to the disk
        return failure(part_);
    }
    for (unsigned number = 1; number <= numbers_max; ++number) {
        const std::string name = numbered(path_, number);
        // Not rename(2): that would take another file's place.
        if (::link(part_.c_str(), name.c_str()) == 0) {
            ::unlink(part_.c_str());
            name_ = name;
            return {};
        }
        if (errno != EEXIST) {
            return failure(name);
        }
    }
    return failure(path_);
}

}   // namespace millrace
