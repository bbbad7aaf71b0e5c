#pragma once

#include "base/storage.hpp"

#include <string>

namespace millrace {

/// One folder of this machine's disk. A replaced file is written beside the old one, brought to the disk,
/// renamed over it, and the folder brought to the disk: the order that survives a power cut at any moment.
/// Files are for this process' user alone (mode 0600).
class DiskStorage final : public Storage {
public:
    /// The folder need not exist: the first `replace` makes it (mode 0700), but not what it lies in.
    explicit DiskStorage(std::string folder) : folder_{std::move(folder)} {}

    Result<std::optional<std::vector<std::byte>>> read(const std::string& name,
                                                       std::size_t size_max) override;
    Result<> replace(const std::string& name, ByteSpan bytes) override;

    /// What the system said when a call last failed, with the path: "/var/lib/x: Permission denied".
    const std::string& trouble() const { return trouble_; }

private:
    bool make_folder() const;
    std::unexpected<Error> fail_with_errno(const std::string& path, std::string_view what);

    std::string folder_;
    std::string trouble_;
};

}   // namespace millrace
