#include "session/archive_transport.hpp"

#include "base/log.hpp"
#include "container/ts_multiplexer.hpp"
#include "media/time.hpp"
#include "protocol/http/answer.hpp"
#include "session/archive_reading.hpp"
#include "session/media_answer.hpp"
#include "session/patient_write.hpp"

namespace millrace::session {

namespace {

constexpr std::int64_t microseconds = 1'000'000;

/// One client, from the head of the answer to the last packet.
class TransportSending {
public:
    TransportSending(Desk& desk, archive::Keeper& keeper, TransportExport what)
        : desk_{desk},
          reading_{desk, keeper, std::move(what.stream)},
          found_{std::move(what.found)},
          multiplexer_{reading_.stream()} {}

    Task<> run(std::unique_ptr<Connection> connection, std::vector<std::byte> head) {
        Result<> sent = co_await patient_write(*connection, desk_.executor, head);
        for (const archive::FoundFragment& one : found_.fragments) {
            if (!sent) {
                break;
            }
            const Result<> written = co_await write(one);
            if (!written) {
                log::warning("archive", "an export of {} ends early: {}", reading_.stream(),
                             written.error().what);
                break;
            }
            sent = co_await patient_write(*connection, desk_.executor, packets_);
        }
        connection->close();
    }

private:
    /// The fragment's packets into `packets_`.
    Task<Result<>> write(const archive::FoundFragment& one) {
        packets_.clear();
        Result<std::vector<media::AccessUnit>> units = co_await reading_.read(one);
        if (!units) {
            co_return std::unexpected(units.error());
        }
        if (std::exchange(file_, one.file) != one.file) {
            multiplexer_.configure(reading_.tracks());
        }
        const std::int64_t shift = shift_of(one);
        multiplexer_.begin_segment();
        const std::vector<media::TimedMessage>& results = reading_.results();
        multiplexer_.expect(results);
        auto result = results.begin();
        for (media::AccessUnit& unit : *units) {
            const std::int64_t ticks = media::rescale(shift, microseconds, unit.config->timescale);
            const std::int64_t dts =
                media::rescale(unit.dts, unit.config->timescale, media::TimedMessage::timescale);
            for (; result != results.end() && result->pts < dts; ++result) {
                write(*result, shift);
            }
            unit.dts += ticks;
            unit.pts += ticks;
            multiplexer_.write(packets_, unit);
        }
        for (; result != results.end(); ++result) {
            write(*result, shift);
        }
        co_return Result<>{};
    }

    void write(media::TimedMessage result, std::int64_t shift) {
        result.pts += media::rescale(shift, microseconds, media::TimedMessage::timescale);
        multiplexer_.write(packets_, result);
    }

    /// What makes the run's times those of the file, in microseconds: within a run always the same.
    std::int64_t shift_of(const archive::FoundFragment& one) {
        if (one.run != run_) {
            run_ = one.run;
            const archive::Fragment& first = found_.fragments.front().fragment;
            shift_ = one.fragment.utc.microseconds - first.utc.microseconds - one.fragment.media_us;
        }
        return shift_;
    }

    Desk& desk_;
    ArchiveReading reading_;
    archive::Listing found_;
    ts::Multiplexer multiplexer_;
    std::uint64_t file_ = 0;
    std::string run_;
    std::int64_t shift_ = 0;
    std::vector<std::byte> packets_;
};

Task<> deliver(std::unique_ptr<TransportSending> sending, std::unique_ptr<Connection> connection,
               std::vector<std::byte> head) {
    co_await sending->run(std::move(connection), std::move(head));
}

}   // namespace

web::Response send_transport(Desk& desk, archive::Keeper& keeper, const web::Request& request,
                             TransportExport what) {
    web::Response response{.headers = media_headers(request, desk.settings->origins)};
    response.headers.push_back({"Content-Type", "video/mp2t"});
    response.headers.push_back({"Cache-Control", "no-cache"});
    std::vector<std::byte> head = http::streaming_head(response.status, response.headers);
    response.takeover = [sending = std::make_unique<TransportSending>(desk, keeper, std::move(what)),
                         head = std::move(head)](std::unique_ptr<Connection> connection,
                                                 std::vector<std::byte> /*read_ahead*/) mutable {
        return deliver(std::move(sending), std::move(connection), std::move(head));
    };
    return response;
}

}   // namespace millrace::session
