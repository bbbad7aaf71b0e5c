#pragma once

#include "base/bounded_queue.hpp"
#include "capture/encode_options.hpp"
#include "capture/grabber.hpp"

#include <atomic>
#include <memory>
#include <thread>

namespace millrace::capture {

class LiveEncoder;

/// Grabbers, each on a thread of its own, and an encoder on another:
///
///   grabbers ── pictures and sound ── encoder ── units ── produce, on the caller's thread
///
/// Both queues have an end. Where the encoder is behind, pictures are dropped before it, and counted, so that
/// what was coded is never broken; a writer to a pipe waits instead, and so does who draws. Its line begins
/// with the first thing that came.
class LiveSource final : public Source {
public:
    static constexpr std::size_t pictures_waiting_max = 4;
    static constexpr std::size_t grabs_waiting_max = 64;
    /// Pictures and sound together, where the grabbers wait: so many large pictures are in memory.
    static constexpr std::size_t lossless_waiting_max = 8;
    static constexpr std::size_t units_waiting_max = 256;
    /// Units that one call of `produce` gives, at most.
    static constexpr std::size_t units_at_once = 64;
    /// A device that gave nothing for so long is taken for lost.
    static constexpr Duration silence_max = 5s;

    struct Plan {
        std::vector<OpenGrabber> grabbers;
        EncodeOptions encode;
        PictureSize size;                   ///< of the coded pictures; 0: as they come
        std::vector<media::Track> tracks;   ///< those that are known to come
        bool lossless = false;              ///< the grabbers wait for the encoder
        bool may_be_silent = false;         ///< its pace is somebody else's
        /// What there is to say of a picture, by its number: the members of a JSON object; empty: nothing.
        std::function<std::string(std::uint32_t number)> results{};
    };

    LiveSource(Plan plan, Moment start);
    LiveSource(const LiveSource&) = delete;
    LiveSource& operator=(const LiveSource&) = delete;
    /// Waits for the grabbers' calls to return; who cannot wait leaves it be and ends the process.
    ~LiveSource() override;

    std::vector<media::Track> tracks() const override { return tracks_; }
    Instant due() const override;
    bool is_over() const override { return over_; }
    int doorbell() const override { return bell_; }
    Outcome<std::vector<media::AccessUnit>> produce(Moment moment) override;
    std::optional<media::TimedMessage> result_of(const media::AccessUnit& unit) const override;
    void ask_key_frame() override { key_asked_ = true; }
    void set_bitrate(std::uint64_t bits_per_second) override { bitrate_ = bits_per_second; }
    void skip(std::uint32_t key_frames) override { skip_ = key_frames; }
    Counters counters() const override;

private:
    /// How a grabber ended: as it should, or not.
    struct Ending {
        std::optional<Fault> fault;
    };
    using Work = std::variant<Grab, Ending>;
    using Product = std::variant<media::AccessUnit, Ending>;

    void grab(const std::stop_token& stopped, OpenGrabber& open);
    bool hand_on(Grab grab);
    void number(Grab& picture);
    void encode();
    Outcome<void> encode_one(LiveEncoder& encoder, Grab& grab);
    void take_orders(LiveEncoder& encoder);
    void finish(std::optional<Fault> fault);
    bool give(Product product);

    std::vector<media::Track> tracks_;
    std::function<std::string(std::uint32_t number)> results_;
    EncodeOptions options_;
    PictureSize size_;
    std::size_t grabbers_;
    bool lossless_;
    bool may_be_silent_;
    BoundedQueue<Work> work_;
    BoundedQueue<Product> products_{units_waiting_max};
    int bell_;   // an eventfd
    std::atomic<bool> key_asked_ = false;
    std::atomic<std::uint64_t> bitrate_ = 0;   // 0: no order
    std::atomic<std::uint32_t> skip_ = 0;
    std::atomic<std::size_t> pictures_waiting_ = 0;
    std::uint32_t next_number_ = 0;   // on the thread of the grabber that gives pictures
    std::atomic<std::uint64_t> captured_ = 0;
    std::atomic<std::uint64_t> late_ = 0;
    std::atomic<std::uint64_t> skipped_ = 0;
    std::atomic<std::uint64_t> encoded_ = 0;
    std::atomic<std::uint64_t> dropped_slow_ = 0;
    std::atomic<std::uint64_t> dropped_asked_ = 0;
    std::atomic<std::uint64_t> broken_ = 0;
    Instant heard_at_;               // on the caller's thread, as all below
    std::optional<Ending> ending_;   // not told yet, unless it is over
    bool more_ = false;
    bool over_ = false;
    std::vector<std::jthread> threads_;
};

}   // namespace millrace::capture
