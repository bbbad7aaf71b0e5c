#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <memory>
#include <string>

namespace millrace {

/// A file that is written piece by piece beside its name, as `NAME.part`, and gets the name once it is whole.
/// It never takes another file's place: where the name is taken it becomes `NAME-2`, with the number before
/// the ending. What is left unfinished stays as the part. Blocks on the disk: for threads that may; one at a
/// time.
class GrowingFile {
public:
    static constexpr unsigned numbers_max = 10'000;

    /// Errc::io with the system's words in `trouble`.
    static Result<std::unique_ptr<GrowingFile>> begin(const std::string& path, std::string& trouble);
    GrowingFile(const GrowingFile&) = delete;
    GrowingFile& operator=(const GrowingFile&) = delete;
    ~GrowingFile();

    Result<> append(ByteSpan bytes);
    /// To the disk, and its name. Once; one that holds nothing goes away.
    Result<> finish();
    /// What the system said of the last failure.
    const std::string& trouble() const { return trouble_; }
    /// After `finish`: where it is.
    const std::string& name() const { return name_; }

private:
    GrowingFile(std::string path, std::string part, int file)
        : path_{std::move(path)}, part_{std::move(part)}, file_{file} {}
    std::unexpected<Error> failure(const std::string& path);

    std::string path_;
    std::string part_;
    std::string name_;
    std::string trouble_;
    int file_;
    bool empty_ = true;
};

}   // namespace millrace
