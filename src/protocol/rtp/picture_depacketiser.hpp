#pragma once

#include "media/picture_reader.hpp"
#include "protocol/rtp/decode_times.hpp"
#include "protocol/rtp/depacketiser.hpp"

#include <vector>

namespace millrace::rtp {

/// What H.264, H.265 and AV1 share: pieces of NAL units (or OBUs) of one picture, its end by marker or by
/// time, what is broken dropped whole, and the wait for a key frame afterwards.
class PictureDepacketiser : public Depacketiser {
public:
    PictureDepacketiser(const Format& format, media::Codec codec);

    void take(const Piece& piece) final;
    void restart() final;
    media::ConfigRef config() const final { return reader_.config(); }
    bool waiting() const final { return waiting_; }

    /// What SDP said; an error leaves it to the stream.
    Result<> configure(const Format& format);

protected:
    /// Takes the NAL units of a payload by add(), or begin(), append() and end(). False: it breaks its
    /// format.
    virtual bool read(ByteSpan payload) = 0;
    /// Whether nothing of a picture can stand before this NAL unit.
    virtual bool opens_picture(ByteSpan nal) const = 0;
    /// A slice that is not the first of its picture.
    virtual bool is_later_slice(ByteSpan nal) const = 0;
    virtual bool is_slice(ByteSpan nal) const = 0;
    virtual bool is_byte_stream() const { return true; }

    void add(ByteSpan nal);
    /// A NAL unit that comes in parts. False where another is under way, or none is: the picture is broken.
    bool begin(ByteSpan head);
    bool append(ByteSpan part);
    bool end();
    /// A fragmentation unit by its header,  start u1 | end u1 | …:  a part of a NAL unit, of which the first
    /// byte stands at the end of `head` too, behind the header that is the NAL unit's own.
    bool add_fragment(std::uint8_t header, ByteSpan head, ByteSpan part);
    bool under_way() const { return open_; }
    /// The picture under way is dropped when it ends.
    void break_picture();

private:
    struct Range {
        std::size_t offset = 0;
        std::size_t size = 0;
    };
    void add_one(ByteSpan nal);
    void look_for_another(ByteSpan nal);
    void look_at(ByteSpan nal);
    void finish();
    void hand_on(media::Picture picture, std::int64_t timestamp);
    bool wanted(const media::Picture& picture);
    void drop_begun();

    media::PictureReader reader_;
    DecodeTimes decode_times_;
    std::vector<std::byte> bytes_;   // of the picture under way
    std::vector<Range> nals_;
    std::optional<std::size_t> other_;   // where another picture of this time may begin among them
    bool open_ = false;                  // the last of them lacks its end
    bool begun_ = false;                 // a picture is under way
    bool broken_ = false;                // and will be dropped
    bool after_gap_ = false;             // packets were missing before its first
    bool has_slice_ = false;
    bool waiting_ = true;        // for a key frame
    bool after_wait_ = false;    // that one came; leading pictures refer to what is lost
    bool marker_lies_ = false;   // it stands at the end of slices, not of pictures
    std::int64_t timestamp_ = 0;
    std::optional<std::int64_t> ended_by_marker_;   // time of the last picture
};

}   // namespace millrace::rtp
