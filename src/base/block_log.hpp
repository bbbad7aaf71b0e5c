#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

namespace millrace {

/// A stretch of a log's bytes. The writer fills it once from the front; a byte that was announced never
/// changes, so readers on any thread share it.
class Block {
public:
    Block(std::uint64_t start, std::size_t capacity)
        : start_{start}, capacity_{capacity}, bytes_{std::make_unique_for_overwrite<std::byte[]>(capacity)} {}
    std::uint64_t start() const { return start_; }
    std::uint64_t limit() const { return start_ + capacity_; }
    const std::byte* at(std::uint64_t offset) const { return bytes_.get() + (offset - start_); }

private:
    friend class BlockLog;
    std::uint64_t start_;
    std::size_t capacity_;
    std::unique_ptr<std::byte[]> bytes_;
};
using BlockRef = std::shared_ptr<const Block>;

/// The end of one message of the format: only here may other bytes be put in between.
struct MessageEnd {
    std::uint64_t offset;
    Instant at;                   ///< when it was appended, on the home worker's clock
    std::uint64_t pictures = 0;   ///< that ended with it or before, since the log began
};

/// A place where a newcomer, or a reader that skipped, may begin.
struct Entrance {
    std::uint64_t offset;
    Bytes resume;   ///< what the format needs said before it (sequence headers, tables)
};

/// What happened to a log since the last change was taken: the one message that crosses threads.
struct LogChange {
    std::vector<BlockRef> blocks;   ///< new ones, in order
    std::vector<MessageEnd> messages;
    std::vector<Entrance> entrances;
    std::uint64_t tail = 0;                 ///< bytes before it may be forgotten
    std::uint64_t head = 0;                 ///< bytes before it are final
    std::uint64_t pictures_forgotten = 0;   ///< those that ended before the tail
    bool flush = false;                     ///< viewers should be served now (a picture ended), not by time
    bool newest = false;                    ///< see BlockLog::prefer_newest
    bool ended = false;                     ///< nothing will follow
};

/// Writes what stands before a message of `size` bytes in a log that frames its messages (the head of a
/// WebSocket frame) and returns how many bytes that is.
using MessageFraming = std::size_t (*)(std::size_t size, std::span<std::byte, 16> head);

/// An append-only log of bytes in growing blocks, with message ends and entrances: one stream in one wire
/// form, written once for all viewers. Written by the home worker; others read it through a LogView.
/// It keeps what lies after the newest entrance, and at least `keep` of time, within `bytes_max`,
/// `age_max` and `messages_max`; the newest message is kept in any case.
class BlockLog {
public:
    struct Limits {
        Duration keep = 3s;
        Duration age_max = 10s;
        std::size_t bytes_max = 8U << 20U;
        std::size_t messages_max = 16384;
    };
    static constexpr std::size_t block_size_min = 16U << 10U;
    static constexpr std::size_t block_size_max = 256U << 10U;

    BlockLog() : BlockLog{Limits{}} {}
    explicit BlockLog(Limits limits) : limits_{limits} {}
    BlockLog(const BlockLog&) = delete;
    BlockLog& operator=(const BlockLog&) = delete;

    /// Adds bytes to the message being written.
    void append(ByteSpan bytes);
    /// The message being written is complete.
    void end_message(Instant now);
    /// A whole message in its parts, behind its head in a log that frames. Muxers whose format a WebSocket
    /// may carry write by this alone.
    void message(std::initializer_list<ByteSpan> parts, Instant now);
    /// From now on `message` puts a head before each; append and end_message do not.
    void frame_messages(MessageFraming framing) { framing_ = framing; }
    /// Every message is an entrance and stands alone: a reader whose link is full goes on with the newest
    /// instead of being shown what is old.
    void prefer_newest() { newest_ = true; }
    /// The next message is an entrance. Call between messages.
    void mark_entrance(Bytes resume);
    /// A picture ended with the newest message.
    void end_picture();
    /// Viewers should be served as soon as this change reaches them.
    void request_flush() { change_.flush = true; }
    void end() { change_.ended = ended_ = true; }

    std::uint64_t head() const { return head_; }
    std::uint64_t tail() const { return tail_; }
    bool has_entrance() const { return !entrances_.empty(); }
    std::size_t memory() const;

    /// What was added since the last call, up to the last complete message. Call it after every batch:
    /// it holds all that came since, forgotten or not, so that a reader can finish what it has begun.
    LogChange take_change();
    bool has_change() const { return !change_.messages.empty() || change_.flush || change_.ended; }
    /// The whole log as a change from nothing, for a new LogView that is given the changes after it too.
    /// Only when every change has been taken.
    LogChange snapshot() const;

private:
    void add_block();
    void trim(Instant now);
    void forget_before(std::uint64_t offset);

    Limits limits_;
    std::deque<std::shared_ptr<Block>> blocks_;
    std::deque<MessageEnd> messages_;
    std::deque<Entrance> entrances_;
    LogChange change_;
    std::uint64_t written_ = 0;   // includes the message being written
    std::uint64_t head_ = 0;
    std::uint64_t tail_ = 0;
    std::uint64_t pictures_ = 0;
    std::uint64_t pictures_forgotten_ = 0;
    std::uint64_t bytes_this_second_ = 0;   // these two size the next block
    std::uint64_t bytes_last_second_ = 0;
    Instant second_began_;
    bool ended_ = false;
    bool newest_ = false;
    MessageFraming framing_ = nullptr;
};

/// A log as one worker's viewers see it: the shared blocks and this worker's own copy of the index. It is
/// brought up to date by one LogChange a batch. Own thread only.
class LogView {
public:
    /// Who serves some of this view's readers; told after each change was applied.
    class Listener {
    public:
        /// Before bytes below `tail` are forgotten: the last chance to keep the blocks of a started message.
        virtual void on_trim(std::uint64_t tail) = 0;
        virtual void on_advance(bool flush) = 0;
        virtual void on_end() = 0;

    protected:
        ~Listener() = default;
    };

    LogView() = default;
    LogView(const LogView&) = delete;
    LogView& operator=(const LogView&) = delete;

    /// Until `stop_listening`, which is not called from inside a call of the listener's.
    void listen(Listener& listener) { listeners_.push_back(&listener); }
    void stop_listening(Listener& listener) { std::erase(listeners_, &listener); }
    void apply(const LogChange& change);

    std::uint64_t head() const { return head_; }
    std::uint64_t tail() const { return tail_; }
    bool ended() const { return ended_; }
    bool prefers_newest() const { return newest_; }
    /// Where a newcomer begins; null while there is no key frame to begin with.
    const Entrance* newest_entrance() const { return entrances_.empty() ? nullptr : &entrances_.back(); }

    /// The first message end at or after `offset`; `head()` if there is none. tail() <= offset <= head().
    std::uint64_t message_end_from(std::uint64_t offset) const;
    bool is_message_end(std::uint64_t offset) const;
    /// Pictures that end at `offset` or before, since the log began; not below the tail.
    std::uint64_t pictures_until(std::uint64_t offset) const;
    /// How long ago the first message that ends after `offset` was appended; zero at the head.
    Duration age_from(std::uint64_t offset, Instant now) const;

    /// Slices of [from, to) into `out`; returns how many. tail() <= from <= to <= head(). May stop early
    /// when `out` is full.
    std::size_t gather(std::uint64_t from, std::uint64_t to, std::span<ByteSpan> out) const;
    /// The blocks that hold [from, to), to be kept beyond the view's tail.
    std::vector<BlockRef> blocks_of(std::uint64_t from, std::uint64_t to) const;

private:
    std::size_t block_index(std::uint64_t offset) const;

    std::deque<BlockRef> blocks_;
    std::deque<MessageEnd> messages_;
    std::deque<Entrance> entrances_;
    std::uint64_t head_ = 0;
    std::uint64_t tail_ = 0;
    std::uint64_t pictures_forgotten_ = 0;
    bool ended_ = false;
    bool newest_ = false;
    std::vector<Listener*> listeners_;
};

}   // namespace millrace
