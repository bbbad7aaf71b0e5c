#include "base/block_log.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace millrace {

void BlockLog::append(ByteSpan bytes) {
    while (!bytes.empty()) {
        if (blocks_.empty() || written_ == blocks_.back()->limit()) {
            add_block();
        }
        Block& block = *blocks_.back();
        const std::size_t count = std::min<std::size_t>(bytes.size(), block.limit() - written_);
        std::memcpy(block.bytes_.get() + (written_ - block.start()), bytes.data(), count);
        written_ += count;
        bytes = bytes.subspan(count);
    }
}

void BlockLog::add_block() {
    // A quarter of a second a block: few enough to gather, small enough to forget soon.
    const std::uint64_t rate = std::max(bytes_this_second_ + (written_ - head_), bytes_last_second_);
    const std::size_t wanted = std::bit_ceil(std::max<std::size_t>(rate / 4, 1));
    const std::size_t size = std::clamp(wanted, block_size_min, block_size_max);
    blocks_.push_back(std::make_shared<Block>(written_, size));
    change_.blocks.push_back(blocks_.back());
}

void BlockLog::end_message(Instant now) {
    if (now - second_began_ > 1s) {
        bytes_last_second_ = now - second_began_ > 2s ? 0 : bytes_this_second_;
        second_began_ = now;
        bytes_this_second_ = 0;
    }
    bytes_this_second_ += written_ - head_;
    head_ = written_;
    messages_.push_back({head_, now, pictures_});
    change_.messages.push_back(messages_.back());
    trim(now);
}

void BlockLog::end_picture() {
    // Where a change was taken since, its readers have that message already.
    check(!change_.messages.empty(), "a picture ends with a message of this change");
    messages_.back().pictures = change_.messages.back().pictures = ++pictures_;
}

void BlockLog::message(std::initializer_list<ByteSpan> parts, Instant now) {
    if (framing_ != nullptr) {
        std::size_t size = 0;
        for (const ByteSpan part : parts) {
            size += part.size();
        }
        std::array<std::byte, 16> head;
        append(std::span{head}.first(framing_(size, head)));
    }
    for (const ByteSpan part : parts) {
        append(part);
    }
    end_message(now);
}

void BlockLog::mark_entrance(Bytes resume) {
    check(written_ == head_, "an entrance lies between messages");
    entrances_.push_back({head_, std::move(resume)});
    change_.entrances.push_back(entrances_.back());
}

void BlockLog::trim(Instant now) {
    const std::uint64_t group = entrances_.empty() ? head_ : entrances_.back().offset;
    std::uint64_t gone = tail_;
    // From the oldest on, as far as they go: each is looked at once for being kept, and once to go.
    for (std::size_t left = messages_.size(); left > 1; --left) {
        const MessageEnd& oldest = messages_[messages_.size() - left];
        const Duration age = now - oldest.at;
        const bool may_go = age > limits_.keep && oldest.offset <= group;
        const bool must_go =
            age > limits_.age_max || head_ - gone > limits_.bytes_max || left > limits_.messages_max;
        if (!may_go && !must_go) {
            break;
        }
        gone = oldest.offset;
    }
    forget_before(gone);
}

void BlockLog::forget_before(std::uint64_t offset) {
    tail_ = std::max(tail_, offset);
    while (!messages_.empty() && messages_.front().offset <= tail_) {
        pictures_forgotten_ = messages_.front().pictures;
        messages_.pop_front();
    }
    while (!entrances_.empty() && entrances_.front().offset < tail_) {
        entrances_.pop_front();
    }
    while (!blocks_.empty() && blocks_.front()->limit() <= tail_) {
        blocks_.pop_front();
    }
}

std::size_t BlockLog::memory() const {
    return blocks_.empty() ? 0 : blocks_.back()->limit() - blocks_.front()->start();
}

LogChange BlockLog::take_change() {
    LogChange change = std::exchange(change_, {});
    change.head = head_;
    change.tail = tail_;
    change.pictures_forgotten = pictures_forgotten_;
    change.newest = newest_;
    return change;
}

LogChange BlockLog::snapshot() const {
    check(change_.messages.empty() && change_.entrances.empty(), "a snapshot follows take_change");
    LogChange whole;
    // Blocks begun for the message being written come with the next change.
    whole.blocks.assign(blocks_.begin(), std::prev(blocks_.end(), std::ssize(change_.blocks)));
    whole.messages.assign(messages_.begin(), messages_.end());
    whole.entrances.assign(entrances_.begin(), entrances_.end());
    whole.head = head_;
    whole.tail = tail_;
    whole.pictures_forgotten = pictures_forgotten_;
    whole.newest = newest_;
    whole.ended = ended_ && !change_.ended;
    return whole;
}

void LogView::apply(const LogChange& change) {
    blocks_.insert(blocks_.end(), change.blocks.begin(), change.blocks.end());
    messages_.insert(messages_.end(), change.messages.begin(), change.messages.end());
    entrances_.insert(entrances_.end(), change.entrances.begin(), change.entrances.end());
    head_ = change.head;
    newest_ = change.newest;
    if (change.tail > tail_) {
        for (Listener* const listener : listeners_) {
            listener->on_trim(change.tail);
        }
        tail_ = change.tail;
        pictures_forgotten_ = change.pictures_forgotten;
        while (!messages_.empty() && messages_.front().offset <= tail_) {
            messages_.pop_front();
        }
        while (!entrances_.empty() && entrances_.front().offset < tail_) {
            entrances_.pop_front();
        }
        while (!blocks_.empty() && blocks_.front()->limit() <= tail_) {
            blocks_.pop_front();
        }
    }
    for (Listener* const listener : listeners_) {
        listener->on_advance(change.flush);
    }
    if (change.ended && !ended_) {
        ended_ = true;
        for (Listener* const listener : listeners_) {
            listener->on_end();
        }
    }
}

std::uint64_t LogView::message_end_from(std::uint64_t offset) const {
    if (offset <= tail_) {
        return tail_;
    }
    const auto message = std::partition_point(messages_.begin(), messages_.end(),
                                              [offset](const MessageEnd& m) { return m.offset < offset; });
    return message == messages_.end() ? head_ : message->offset;
}

bool LogView::is_message_end(std::uint64_t offset) const {
    return offset == message_end_from(offset);
}

std::uint64_t LogView::pictures_until(std::uint64_t offset) const {
    const auto next = std::partition_point(messages_.begin(), messages_.end(),
                                           [offset](const MessageEnd& m) { return m.offset <= offset; });
    return next == messages_.begin() ? pictures_forgotten_ : std::prev(next)->pictures;
}

Duration LogView::age_from(std::uint64_t offset, Instant now) const {
    const auto message = std::partition_point(messages_.begin(), messages_.end(),
                                              [offset](const MessageEnd& m) { return m.offset <= offset; });
    return message == messages_.end() ? Duration{} : now - message->at;
}

std::size_t LogView::block_index(std::uint64_t offset) const {
    if (!blocks_.empty() && blocks_.back()->start() <= offset) {
        return blocks_.size() - (offset < blocks_.back()->limit() ? 1 : 0);   // where nearly all are
    }
    const auto block = std::partition_point(blocks_.begin(), blocks_.end(),
                                            [offset](const BlockRef& b) { return b->limit() <= offset; });
    return static_cast<std::size_t>(block - blocks_.begin());
}

std::size_t LogView::gather(std::uint64_t from, std::uint64_t to, std::span<ByteSpan> out) const {
    std::size_t count = 0;
    for (std::size_t index = block_index(from); from < to && count < out.size(); ++index) {
        const Block& block = *blocks_[index];
        const std::uint64_t end = std::min(to, block.limit());
        out[count++] = ByteSpan{block.at(from), end - from};
        from = end;
    }
    return count;
}

std::vector<BlockRef> LogView::blocks_of(std::uint64_t from, std::uint64_t to) const {
    std::vector<BlockRef> kept;
    for (std::size_t index = block_index(from); index < blocks_.size() && blocks_[index]->start() < to;
         ++index) {
        kept.push_back(blocks_[index]);
    }
    return kept;
}

}   // namespace millrace
