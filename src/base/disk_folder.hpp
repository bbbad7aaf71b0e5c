#pragma once

#include "base/folder.hpp"

namespace millrace {

/// A folder of this machine's disk. Files are for this process' user alone (mode 0600), opened beneath the
/// folder's own descriptor without following links.
class DiskFolder final : public Folder {
public:
    /// The folder need not exist: what first writes to it makes it (mode 0700), and what it lies in.
    explicit DiskFolder(std::string path) : path_{std::move(path)} {}
    DiskFolder(const DiskFolder&) = delete;
    DiskFolder& operator=(const DiskFolder&) = delete;
    ~DiskFolder() override;

    Result<std::unique_ptr<FolderFile>> open(const std::string& name, Open how) override;
    Result<> remove(const std::string& name) override;
    Result<std::vector<std::string>> names() override;
    Result<> sync_names() override;
    Result<std::uint64_t> free_bytes() override;
    Result<> claim() override;
    Result<> still_there() override;

private:
    /// The folder's descriptor; one whose folder was moved away or removed is opened anew.
    Result<int> folder(bool make);
    void forget();

    bool make_folder() const;

    std::string path_;
    int number_ = -1;
    int lock_ = -1;
};

}   // namespace millrace
