#include "base/disk_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace millrace {

namespace {

constexpr mode_t folder_mode = 0700;
constexpr mode_t file_mode = 0600;

constexpr std::string_view no_right =
    "the archive's folder, or a file in it, does not let this node in: give it back to the user that the "
    "node runs as";

constexpr std::string_view no_more_files =
    "no more files can be made in the archive's folder: give it back to the user that the node runs as";

std::unexpected<Error> fail_with_errno(std::string_view what) {
    switch (errno) {
        case ENOSPC:
        case EFBIG: return fail(Errc::exhausted, "the disk is full");
        case EDQUOT: return fail(Errc::exhausted, "the disk's quota for this node's user is used up");
        case EROFS: return fail(Errc::io, "the disk is mounted read-only");
        case EACCES:
        case EPERM: return fail(Errc::io, no_right);
        case EMFILE:
        case ENFILE: return fail(Errc::io, "no descriptor is free: raise LimitNOFILE, or ulimit -n");
        case ENOENT: return fail(Errc::not_found, "the file is not there");
        case EEXIST: return fail(Errc::exists, "the file is there already");
        default: return fail(Errc::io, what);
    }
}

/// Of a file that could not be made in the folder `at`.
std::unexpected<Error> fail_to_make(int at, std::string_view what) {
    const bool no_room = errno == ENOSPC;
    struct statvfs facts{};
    if (no_room && ::fstatvfs(at, &facts) == 0 && facts.f_bavail > 0 && facts.f_favail == 0) {
        return fail(Errc::exhausted, "the disk has no room for another file: its inodes are used up");
    }
    errno = no_room ? ENOSPC : errno;
    return fail_with_errno(what);
}

class DiskFile final : public FolderFile {
public:
    explicit DiskFile(int number) : number_{number} {}
    ~DiskFile() override { ::close(number_); }

    Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) override {
        std::size_t filled = 0;
        while (filled < into.size()) {
            const ssize_t count = ::pread(number_, into.data() + filled, into.size() - filled,
                                          static_cast<off_t>(offset + filled));
            if (count < 0 && errno == EINTR) {
                continue;
            }
            if (count < 0) {
                return fail_with_errno("a file cannot be read");
            }
            if (count == 0) {
                break;
            }
            filled += static_cast<std::size_t>(count);
        }
        return filled;
    }
    Result<> write(std::uint64_t offset, ByteSpan bytes) override {
        while (!bytes.empty()) {
            const ssize_t count = ::pwrite(number_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (count < 0 && errno == EINTR) {
                continue;
            }
            if (count < 0) {
                return fail_with_errno("a file cannot be written");
            }
            bytes = bytes.subspan(static_cast<std::size_t>(count));
            offset += static_cast<std::uint64_t>(count);
        }
        return {};
    }
    void hasten() override { (void)::sync_file_range(number_, 0, 0, SYNC_FILE_RANGE_WRITE); }
    Result<> sync() override {
        return ::fdatasync(number_) == 0 ? Result<>{}
                                         : fail_with_errno("a file cannot be brought to the disk");
    }
    Result<> truncate(std::uint64_t size) override {
        return ::ftruncate(number_, static_cast<off_t>(size)) == 0
                   ? Result<>{}
                   : fail_with_errno("a file cannot be made shorter");
    }
    Result<std::uint64_t> size() override {
        struct stat facts{};
        if (::fstat(number_, &facts) != 0) {
            return fail_with_errno("a file cannot be looked at");
        }
        return static_cast<std::uint64_t>(facts.st_size);
    }

private:
    int number_;
};

int flags_of(Folder::Open how) {
    switch (how) {
        case Folder::Open::existing_or_new: return O_CREAT;
        case Folder::Open::made_new: return O_CREAT | O_EXCL;
        case Folder::Open::existing: break;
    }
    return 0;
}

}   // namespace

DiskFolder::~DiskFolder() {
    forget();
}

void DiskFolder::forget() {
    for (int* const number : {&number_, &lock_}) {
        if (const int open = std::exchange(*number, -1); open >= 0) {
            ::close(open);
        }
    }
}

Result<> DiskFolder::still_there() {
    struct stat open{};
    struct stat named{};
    if (number_ < 0) {
        return {};
    }
    const bool seen = ::stat(path_.c_str(), &named) == 0;
    if (!seen && errno == EACCES) {
        return fail(Errc::refused, no_more_files);
    }
    if (seen && ::fstat(number_, &open) == 0 && open.st_ino == named.st_ino && open.st_dev == named.st_dev) {
        const bool lets_in = ::faccessat(number_, ".", W_OK | X_OK, AT_EACCESS) == 0;
        return lets_in || errno != EACCES ? Result<>{} : fail(Errc::refused, no_more_files);
    }
    forget();
    return fail(Errc::not_found, "the archive's folder was removed");
}

Result<int> DiskFolder::folder(bool make) {
    if (number_ >= 0) {
        return number_;
    }
    struct stat facts{};
    if (const bool there = ::stat(path_.c_str(), &facts) == 0; !there && make && !make_folder()) {
        return fail_with_errno("the archive's folder cannot be made");
    }
    number_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (number_ < 0) {
        return fail_with_errno("the archive's folder cannot be opened");
    }
    return number_;
}

bool DiskFolder::make_folder() const {
    const std::string parent = path_.substr(0, std::max<std::size_t>(path_.find_last_of('/'), 1));
    if (::mkdir(parent.c_str(), folder_mode) != 0 && errno != EEXIST) {
        return false;
    }
    if (::mkdir(path_.c_str(), folder_mode) != 0 && errno != EEXIST) {
        return false;
    }
    const int within = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool lasts = within >= 0 && ::fsync(within) == 0;   // the folder's own name is to last, too
    if (within >= 0) {
        ::close(within);
    }
    return lasts;
}

Result<> DiskFolder::claim() {
    if (lock_ >= 0) {
        return {};
    }
    const Result<int> at = folder(true);
    if (!at) {
        return std::unexpected(at.error());
    }
    const int lock = ::openat(*at, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, file_mode);
    if (lock < 0) {
        return fail_with_errno("the archive's folder cannot be written to");
    }
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        ::close(lock);
        return fail(Errc::exists, "another node has this archive");
    }
    lock_ = lock;
    return {};
}

Result<std::unique_ptr<FolderFile>> DiskFolder::open(const std::string& name, Open how) {
    const Result<int> at = folder(how != Open::existing);
    if (!at) {
        return std::unexpected(at.error());
    }
    const int number =
        ::openat(*at, name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags_of(how), file_mode);
    if (number < 0) {
        return fail_to_make(*at, "a file of the archive cannot be opened");
    }
    return std::make_unique<DiskFile>(number);
}

Result<> DiskFolder::remove(const std::string& name) {
    const Result<int> at = folder(false);
    if (!at) {
        return std::unexpected(at.error());
    }
    if (::unlinkat(*at, name.c_str(), 0) != 0 && errno != ENOENT) {
        return fail_with_errno("a file of the archive cannot be removed");
    }
    return {};
}

Result<std::vector<std::string>> DiskFolder::names() {
    const Result<int> at = folder(false);
    if (!at && at.error().code == Errc::not_found) {
        return std::vector<std::string>{};
    }
    if (!at) {
        return std::unexpected(at.error());
    }
    const int again = ::openat(*at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* const listing = again < 0 ? nullptr : ::fdopendir(again);
    if (listing == nullptr) {
        const auto failure = fail_with_errno("the archive's folder cannot be read");
        if (again >= 0) {
            ::close(again);
        }
        return failure;
    }
    std::vector<std::string> names;
    while (const dirent* const entry = ::readdir(listing)) {
        if (entry->d_name[0] != '.') {
            names.emplace_back(entry->d_name);
        }
    }
    ::closedir(listing);
    return names;
}

Result<> DiskFolder::sync_names() {
    const Result<int> at = folder(false);
    if (!at) {
        return std::unexpected(at.error());
    }
    return ::fsync(*at) == 0 ? Result<>{}
                             : fail_with_errno("the archive's folder cannot be brought to the disk");
}

Result<std::uint64_t> DiskFolder::free_bytes() {
    const Result<int> at = folder(false);
    if (!at) {
        return std::unexpected(at.error());
    }
    struct statvfs facts{};
    if (::fstatvfs(*at, &facts) != 0) {
        return fail_with_errno("the disk cannot be asked how full it is");
    }
    return std::uint64_t{facts.f_bavail} * facts.f_frsize;
}

}   // namespace millrace
