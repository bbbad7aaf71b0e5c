#include "session/archive_transport.hpp"

#include "base/log.hpp"
#include "container/ts_multiplexer.hpp"
#include "media/time.hpp"
#include "protocol/http/answer.hpp"
#include "session/archive_units.hpp"
#include "session/media_answer.hpp"
#include "session/patient_write.hpp"

namespace millrace::session {

namespace {

constexpr Duration read_deadline = 30s;
constexpr std::int64_t microseconds = 1'000'000;

/// One client, from the head of the answer to the last packet.
class TransportSending {
public:
    TransportSending(Desk& desk, archive::Keeper& keeper, TransportExport what)
        : desk_{desk},
          keeper_{keeper},
          stream_{std::move(what.stream)},
          found_{std::move(what.found)},
          multiplexer_{stream_} {}

    Task<> run(std::unique_ptr<Connection> connection, std::vector<std::byte> head) {
        Result<> sent = co_await patient_write(*connection, desk_.executor, head);
        for (const archive::FoundFragment& one : found_.fragments) {
            if (!sent) {
                break;
            }
            const Result<> written = co_await write(one);
            if (!written) {
                log::warning("archive", "an export of {} ends early: {}", stream_, written.error().what);
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
        if (file_ != one.file) {
            Answer<Bytes> answer{desk_.executor};
            keeper_.init(stream_, one.file, answer.reply());
            const Result<Bytes> init = co_await answer.within(desk_.executor.now() + read_deadline);
            const Result<> begun = init ? units_.begin_file(*init) : std::unexpected(init.error());
            if (!begun) {
                co_return begun;
            }
            file_ = one.file;
            multiplexer_.configure(units_.tracks());
        }
        Answer<Bytes> answer{desk_.executor};
        keeper_.read(stream_, one.file, one.fragment.number, answer.reply());
        const Result<Bytes> chunks = co_await answer.within(desk_.executor.now() + read_deadline);
        Result<std::vector<media::AccessUnit>> units =
            chunks ? units_.read(*chunks) : std::unexpected(chunks.error());
        if (!units) {
            co_return std::unexpected(units.error());
        }
        const std::int64_t shift = shift_of(one);
        multiplexer_.begin_segment();
        for (media::AccessUnit& unit : *units) {
            const std::int64_t ticks = media::rescale(shift, microseconds, unit.config->timescale);
            unit.dts += ticks;
            unit.pts += ticks;
            multiplexer_.write(packets_, unit);
        }
        co_return Result<>{};
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
    archive::Keeper& keeper_;
    std::string stream_;
    archive::Listing found_;
    ts::Multiplexer multiplexer_;
    ArchiveUnits units_;
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
