#include "base/virtual_connection.hpp"

#include <algorithm>
#include <deque>
#include <vector>

namespace millrace {

namespace {

class End;

/// One direction: what is under way to an end, and what has arrived there. Simulated executors share one
/// thread, so both ends may touch it.
class Pipe final : public Timer {
public:
    Pipe(VirtualLink link, Executor& reader_executor) : link_{link}, executor_{reader_executor} {}

    std::size_t room() const { return link_.window - std::min(link_.window, unread_); }
    bool readable() const { return !arrived_.empty() || finished_; }
    void send(std::vector<std::byte> bytes, bool last);
    Result<std::size_t> read(std::span<std::byte> into);

    End* reader = nullptr;
    End* writer = nullptr;

private:
    struct Parcel {
        Instant due;
        std::vector<std::byte> bytes;
        bool last;
    };
    void on_time() override;
    void send_at_rate(ByteSpan bytes);

    VirtualLink link_;
    Executor& executor_;
    std::deque<Parcel> parcels_;
    std::deque<std::byte> arrived_;
    std::size_t unread_ = 0;   // sent, not yet read
    Instant line_free_;        // when the rate limit lets the next byte go
    bool finished_ = false;    // the sender closed, and all its bytes arrived
};

class End final : public Connection {
public:
    End(Executor& executor, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, Endpoint local,
        Endpoint peer)
        : executor_{executor},
          in_{std::move(in)},
          out_{std::move(out)},
          local_{std::move(local)},
          peer_{std::move(peer)} {
        in_->reader = this;
        out_->writer = this;
    }
    ~End() override {
        End::close();
        in_->reader = nullptr;
        out_->writer = nullptr;
    }

    Result<std::size_t> try_read(std::span<std::byte> into) override {
        if (closed_) {
            return fail(Errc::cancelled, "connection closed by us");
        }
        auto count = in_->read(into);
        if (count && in_->writer != nullptr) {
            in_->writer->notify_writable();
        }
        return count;
    }

    Result<std::size_t> try_write(std::span<const ByteSpan> slices) override {
        if (closed_) {
            return fail(Errc::cancelled, "connection closed by us");
        }
        if (peer_gone()) {
            return fail(Errc::closed, "the peer is gone");
        }
        std::vector<std::byte> sent;
        for (const ByteSpan slice : slices.first(std::min(slices.size(), gather_max))) {
            const ByteSpan part = slice.first(std::min(out_->room() - sent.size(), slice.size()));
            sent.insert(sent.end(), part.begin(), part.end());
        }
        if (sent.empty()) {
            return fail(Errc::would_block, "the window is full");
        }
        const std::size_t count = sent.size();
        out_->send(std::move(sent), false);
        return count;
    }

    void wait_readable(Waiter* waiter) override {
        read_waiter_ = waiter;
        if (closed_ || in_->readable()) {
            notify_readable();
        }
    }
    void wait_writable(Waiter* waiter) override {
        write_waiter_ = waiter;
        if (closed_ || peer_gone() || out_->room() > 0) {
            notify_writable();
        }
    }

    void close() override {
        if (closed_) {
            return;
        }
        closed_ = true;
        out_->send({}, true);
        notify_readable();
        notify_writable();
        if (in_->writer != nullptr) {
            in_->writer->notify_writable();
        }
    }

    const Endpoint& peer() const override { return peer_; }
    const Endpoint& local() const override { return local_; }
    bool encrypted() const override { return false; }

    void notify_readable() { notify(read_waiter_); }
    void notify_writable() { notify(write_waiter_); }

private:
    bool peer_gone() const { return out_->reader == nullptr || out_->reader->closed_; }
    void notify(Waiter*& slot) {
        if (slot == nullptr) {
            return;
        }
        // Through the executor, never from inside; the slot is read again then, for it may be disarmed.
        executor_.post([alive = std::weak_ptr{alive_}, this, &slot] {
            if (alive.expired() || slot == nullptr) {
                return;
            }
            Waiter* const waiter = std::exchange(slot, nullptr);
            waiter->on_ready(closed_ ? Result<>{fail(Errc::cancelled, "connection closed by us")}
                                     : Result<>{});
        });
    }

    Executor& executor_;
    std::shared_ptr<Pipe> in_;
    std::shared_ptr<Pipe> out_;
    Endpoint local_;
    Endpoint peer_;
    Waiter* read_waiter_ = nullptr;
    Waiter* write_waiter_ = nullptr;
    bool closed_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

void Pipe::send(std::vector<std::byte> bytes, bool last) {
    line_free_ = std::max(line_free_, executor_.now());
    unread_ += bytes.size();
    if (link_.bytes_per_second == 0) {
        parcels_.push_back({line_free_ + link_.delay, std::move(bytes), last});
    } else {
        send_at_rate(bytes);
        if (last) {
            parcels_.push_back({line_free_ + link_.delay, {}, last});
        }
    }
    if (!parcels_.empty()) {
        executor_.timers().arm(*this, parcels_.front().due);
    }
}

void Pipe::send_at_rate(ByteSpan bytes) {
    // A hundredth of a second's worth at a time, as a slow line gives it.
    const std::size_t piece = std::max<std::size_t>(link_.bytes_per_second / 100, 1);
    while (!bytes.empty()) {
        const ByteSpan part = bytes.first(std::min(piece, bytes.size()));
        const std::uint64_t nanoseconds = part.size() * 1'000'000'000U / link_.bytes_per_second;
        line_free_ = line_free_ + Duration{static_cast<std::int64_t>(nanoseconds)};
        parcels_.push_back({line_free_ + link_.delay, {part.begin(), part.end()}, false});
        bytes = bytes.subspan(part.size());
    }
}

void Pipe::on_time() {
    while (!parcels_.empty() && parcels_.front().due <= executor_.now()) {
        arrived_.insert(arrived_.end(), parcels_.front().bytes.begin(), parcels_.front().bytes.end());
        finished_ = finished_ || parcels_.front().last;
        parcels_.pop_front();
    }
    if (!parcels_.empty()) {
        executor_.timers().arm(*this, parcels_.front().due);
    }
    if (reader != nullptr) {
        reader->notify_readable();
    }
}

Result<std::size_t> Pipe::read(std::span<std::byte> into) {
    if (arrived_.empty()) {
        return finished_ ? fail(Errc::closed, "the peer closed the connection")
                         : fail(Errc::would_block, "nothing to read");
    }
    const std::size_t count =
        std::min({link_.one_byte_reads ? 1 : into.size(), into.size(), arrived_.size()});
    const auto end = arrived_.begin() + static_cast<std::ptrdiff_t>(count);
    std::copy(arrived_.begin(), end, into.begin());
    arrived_.erase(arrived_.begin(), end);
    unread_ -= count;
    return count;
}

}   // namespace

std::pair<std::unique_ptr<Connection>, std::unique_ptr<Connection>> virtual_connection(
    Executor& a, Executor& b, VirtualLink a_to_b, VirtualLink b_to_a, Endpoint address_of_a,
    Endpoint address_of_b) {
    auto to_b = std::make_shared<Pipe>(a_to_b, b);
    auto to_a = std::make_shared<Pipe>(b_to_a, a);
    auto first = std::make_unique<End>(a, to_a, to_b, address_of_a, address_of_b);
    auto second = std::make_unique<End>(b, to_b, to_a, address_of_b, address_of_a);
    return {std::move(first), std::move(second)};
}

}   // namespace millrace
