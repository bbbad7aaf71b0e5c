#include "apps/loadgen/form_reader.hpp"

#include "base/byte_reader.hpp"
#include "container/flv_body.hpp"
#include "container/mp4_reader.hpp"

namespace millrace::loadgen {

namespace {

class FlvReader final : public FormReader {
public:
    Result<> read(ByteSpan bytes, std::vector<CodedFrame>& frames) override {
        for (;;) {
            const Result<std::optional<flv::Tag>> tag = splitter_.next(bytes);
            if (!tag) {
                return std::unexpected(tag.error());
            }
            if (!*tag) {
                return {};
            }
            if (std::optional<CodedFrame> frame = frame_of(**tag)) {
                frames.push_back(std::move(*frame));
            }
        }
    }

private:
    flv::Splitter splitter_;
};

class Mp4Reader final : public FormReader {
public:
    Result<> read(ByteSpan bytes, std::vector<CodedFrame>& frames) override {
        for (;;) {
            Result<std::optional<mp4::Item>> item = reader_.next(bytes);
            if (!item) {
                return std::unexpected(item.error());
            }
            if (!*item) {
                return {};
            }
            if (auto* unit = std::get_if<media::AccessUnit>(&**item)) {
                frames.push_back({.video = unit->kind() == media::Kind::video,
                                  .key = unit->kind() == media::Kind::video && unit->key,
                                  .coded = std::move(unit->payload)});
            }
        }
    }

private:
    mp4::Reader reader_;
};

}   // namespace

std::optional<CodedFrame> frame_of(const flv::Tag& tag) {
    constexpr unsigned frame_type_key = 1;
    if (tag.type == flv::TagType::script || tag.body.empty()) {
        return std::nullopt;
    }
    const bool video = tag.type == flv::TagType::video;
    ByteReader reader{tag.body};
    const Result<flv::BodyHead> head = video ? flv::read_video_head(reader) : flv::read_audio_head(reader);
    if (!head) {
        return CodedFrame{.video = video, .broken = true, .coded = {}};
    }
    if (head->packet != flv::Packet::coded) {
        return std::nullopt;
    }
    const std::size_t at = tag.body.size() - reader.remaining();
    return CodedFrame{
        .video = video,
        .key = video && (std::to_integer<unsigned>(tag.body.span()[0]) >> 4U & 7U) == frame_type_key,
        .coded = tag.body.slice(at, reader.remaining())};
}

std::unique_ptr<FormReader> form_reader(std::string_view path) {
    const std::string_view file = path.substr(0, path.find('?'));
    if (file.ends_with(".flv")) {
        return std::make_unique<FlvReader>();
    }
    if (file.ends_with(".mp4")) {
        return std::make_unique<Mp4Reader>();
    }
    return nullptr;
}

}   // namespace millrace::loadgen
