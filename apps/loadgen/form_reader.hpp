#pragma once

#include "apps/loadgen/dialogue.hpp"
#include "container/flv_tag.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace millrace::loadgen {

/// Takes the frames out of an endless answer, however its bytes were cut.
class FormReader {
public:
    virtual ~FormReader() = default;
    /// Appends the frames that are whole by now.
    virtual Result<> read(ByteSpan bytes, std::vector<CodedFrame>& frames) = 0;
};

/// The reader of a path that ends in `.flv` or `.mp4`; null for other forms, of which only the amount counts.
std::unique_ptr<FormReader> form_reader(std::string_view path);
/// What a tag of FLV brings; nothing for those that only describe.
std::optional<CodedFrame> frame_of(const flv::Tag& tag);

}   // namespace millrace::loadgen
