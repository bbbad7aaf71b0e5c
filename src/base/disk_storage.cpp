#include "base/disk_storage.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace millrace {

namespace {

constexpr mode_t folder_mode = 0700;
constexpr mode_t file_mode = 0600;

/// An open file of this scope.
class File {
public:
    File(const std::string& path, int flags) : number_{::open(path.c_str(), flags | O_CLOEXEC, file_mode)} {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() { close(); }

    explicit operator bool() const { return number_ >= 0; }
    int number() const { return number_; }
    /// A disk may say only now that it is full.
    bool close() {
        const int number = std::exchange(number_, -1);
        return number < 0 || ::close(number) == 0;
    }

private:
    int number_;
};

bool write_all(int file, ByteSpan bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(file, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return false;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return true;
}

/// Reads until the end or until the buffer is full.
std::optional<std::size_t> read_all(int file, std::span<std::byte> buffer) {
    std::size_t filled = 0;
    while (filled < buffer.size()) {
        const ssize_t count = ::read(file, buffer.data() + filled, buffer.size() - filled);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return std::nullopt;
        }
        if (count == 0) {
            break;
        }
        filled += static_cast<std::size_t>(count);
    }
    return filled;
}

}   // namespace

std::unexpected<Error> DiskStorage::fail_with_errno(const std::string& path, std::string_view what) {
    trouble_ = fmt::format("{}: {}", path, std::strerror(errno));
    return fail(Errc::io, what);
}

Result<std::optional<std::vector<std::byte>>> DiskStorage::read(const std::string& name,
                                                                std::size_t size_max) {
    const std::string path = folder_ + "/" + name;
    const File file{path, O_RDONLY};
    if (!file && (errno == ENOENT || errno == ENOTDIR)) {
        return std::optional<std::vector<std::byte>>{};
    }
    std::vector<std::byte> bytes(size_max + 1);
    const auto size = file ? read_all(file.number(), bytes) : std::nullopt;
    if (!size) {
        return fail_with_errno(path, "a file cannot be read");
    }
    if (*size > size_max) {
        trouble_ = path + ": too large";
        return fail(Errc::exhausted, "a file is larger than it may be");
    }
    bytes.resize(*size);
    return std::optional{std::move(bytes)};
}

bool DiskStorage::make_folder() const {
    if (::mkdir(folder_.c_str(), folder_mode) != 0) {
        return errno == EEXIST;
    }
    const File parent{folder_ + "/..", O_RDONLY | O_DIRECTORY};   // the folder's own name is to last, too
    return parent && ::fsync(parent.number()) == 0;
}

Result<> DiskStorage::replace(const std::string& name, ByteSpan bytes) {
    const std::string path = folder_ + "/" + name;
    const std::string newer = path + ".new";
    if (!make_folder()) {
        return fail_with_errno(folder_, "the folder cannot be made");
    }
    // One that a crash left may have other rights.
    if (::unlink(newer.c_str()) != 0 && errno != ENOENT) {
        return fail_with_errno(newer, "the folder cannot be written to");
    }
    File file{newer, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW};
    if (!file) {
        return fail_with_errno(newer, "the folder cannot be written to");
    }
    const bool written = write_all(file.number(), bytes) && ::fsync(file.number()) == 0 && file.close();
    if (!written) {
        const auto failure = fail_with_errno(newer, "a file cannot be written");
        ::unlink(newer.c_str());
        return failure;
    }
    if (::rename(newer.c_str(), path.c_str()) != 0) {
        return fail_with_errno(path, "a file cannot be replaced");
    }
    const File folder{folder_, O_RDONLY | O_DIRECTORY};
    if (!folder || ::fsync(folder.number()) != 0) {
        return fail_with_errno(folder_, "the folder cannot be brought to the disk");
    }
    return {};
}

}   // namespace millrace
