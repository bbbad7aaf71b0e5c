#include "sim/viewer.hpp"

#include "base/waiting.hpp"

namespace millrace::sim {

Task<> Viewer::wait_as_planned() {
    co_await sleep_until(world_.clients(), world_.now() + plan_.after);
}

void Viewer::come() {
    leave_at_ = plan_.stay ? world_.now() + *plan_.stay : Instant::never();
    stop_at_ = plan_.stops_after ? world_.now() + *plan_.stops_after : Instant::never();
}

Task<Result<std::size_t>> Viewer::read(Connection& connection, std::span<std::byte> buffer) {
    Executor& executor = world_.clients();
    for (;;) {
        if (executor.now() >= stop_at_) {
            const Instant again = stop_at_ + plan_.stops_for;
            stop_at_ = Instant::never();
            co_await sleep_until(executor, std::min(again, leave_at_));
        }
        if (time_to_leave()) {
            co_return fail(Errc::cancelled, "the viewer leaves");
        }
        const Result<> ready = co_await readable(connection, executor, std::min(leave_at_, stop_at_));
        if (!ready && ready.error().code != Errc::timed_out) {
            co_return std::unexpected(ready.error());
        }
        const Result<std::size_t> count = ready ? connection.try_read(buffer) : Result<std::size_t>{0};
        if (count && *count > 0) {
            world_.trace().note(executor.now(), who_, buffer.first(*count));
            co_return count;
        }
        if (!count && count.error().code != Errc::would_block) {
            co_return count;
        }
    }
}

Task<Result<>> Viewer::write(Connection& connection, ByteSpan bytes) {
    while (!bytes.empty()) {
        const Result<std::size_t> written = connection.try_write(std::span{&bytes, 1});
        if (written) {
            bytes = bytes.subspan(*written);
        } else if (written.error().code == Errc::would_block) {
            const Result<> ready = co_await writable(connection, world_.clients(), world_.now() + 15s);
            if (!ready) {
                co_return ready;
            }
        } else {
            co_return std::unexpected(written.error());
        }
    }
    co_return Result<>{};
}

void Viewer::finish(Error reason) {
    end_reason_ = reason.code;
    ended_at_ = world_.now();
    if (state_ != State::refused) {
        state_ = reason.code == Errc::cancelled ? State::left : State::ended;
    }
    if (reason.code == Errc::malformed || reason.code == Errc::exhausted) {
        account_.fault(std::string{reason.what});
    }
}

void Viewer::take(const flv::Tag& tag) {
    const Result<std::optional<flv::Item>> item = reader_.read(tag.type, tag.timestamp_ms, tag.body);
    if (!item) {
        account_.fault(std::string{item.error().what});
    } else if (*item) {
        if (const auto* unit = std::get_if<media::AccessUnit>(&**item)) {
            account_.take(*unit, world_.now());
        }
    }
}

}   // namespace millrace::sim
