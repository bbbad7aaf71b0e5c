#pragma once

#include "archive/files_for_tests.hpp"
#include "archive/keeper.hpp"
#include "archive/units_for_tests.hpp"
#include "base/virtual_background.hpp"
#include "base/virtual_connection.hpp"
#include "base/waiting.hpp"
#include "hub/stream_for_tests.hpp"
#include "session/archive_export_plans.hpp"
#include "session/desk.hpp"
#include "session/pulls_for_tests.hpp"
#include "session/stills.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

/// A node's archive on a simulated disk, with what tests record and ask.
namespace millrace::session::toys {

/// What came of a request: an answer, with the bytes of one that left HTTP.
struct Fetched {
    int status = 0;
    std::vector<web::Header> headers;
    std::vector<std::byte> body;

    std::string header(std::string_view name) const {
        for (const auto& [key, value] : headers) {
            if (web::same_name(key, name)) {
                return value;
            }
        }
        return {};
    }
    std::string text() const { return std::string{as_text(body)}; }
};

class ArchiveTest : public testing::Test {
protected:
    ArchiveTest() {
        desk_.settings = std::make_shared<const Settings>(Settings{{"*"}, "live/cam"});
        keeper_.open();
    }
    ~ArchiveTest() override {
        recording_.reset();
        world_.time.settle();
        world_.time.stop();
    }

    /// A run begins: so many pictures of 40 ms with a key frame each second; then the publisher is gone.
    void record(int pictures, std::string run = "1800000000-00000001", bool more = false) {
        if (!recording_) {
            feed_ = std::make_unique<hub::MediaFeed>();
            tracks_ = {camera_.video, camera_.audio};
            recording_ = keeper_.begin({.stream = "live/cam",
                                        .run = std::move(run),
                                        .feed = *feed_,
                                        .tracks = tracks_,
                                        .home = home_});
        }
        for (; pictures > 0; --pictures) {
            for (const media::AccessUnitRef& unit : camera_.next(world_.time.utc())) {
                tracks_[unit->track].config = unit->config;
                feed_->append(unit, unit->payload.size(), unit->key && unit->track == 0, world_.time.now());
                sent_.push_back(unit);
            }
            recording_->pump(world_.time.now());
            feed_->trim(world_.time.now());
            world_.time.run_for(40ms);
        }
        if (!more) {
            recording_->pause("publisher gone");
            recording_.reset();
            world_.time.run_for(1s);
        }
    }
    /// From the next picture on another coding of the same codec.
    void change_coding(std::uint8_t level) {
        media::TrackConfig config = *camera_.video.config;
        std::vector<std::byte> sps{config.sps.front().begin(), config.sps.front().end()};
        sps[3] = std::byte{level};
        config.sps.front() = Bytes{std::move(sps)};
        camera_.video.config = std::make_shared<const media::TrackConfig>(std::move(config));
    }
    archive::Listing listing() {
        Answer<archive::Listing> answer{home_};
        keeper_.list("live/cam", {{0}, {INT64_MAX / 2}}, answer.reply());
        archive::Listing found;
        const auto take = [](Answer<archive::Listing>& from, archive::Listing& into,
                             Executor& home) -> Task<> {
            Result<archive::Listing> got = co_await from.within(home.now() + 1s);
            EXPECT_TRUE(got);
            into = got.value_or(archive::Listing{});
        };
        home_.run([&] { home_.tasks().spawn(take(answer, found, home_)); });
        world_.time.settle();
        return found;
    }
    std::vector<media::AccessUnitRef> sent(media::Kind kind) const {
        std::vector<media::AccessUnitRef> found;
        std::ranges::copy_if(sent_, std::back_inserter(found),
                             [kind](const media::AccessUnitRef& unit) { return unit->kind() == kind; });
        return found;
    }

    /// Asks, and reads what comes to its end.
    Fetched fetch(const web::Route& route, web::Request request) {
        Fetched fetched;
        request.peer = {"192.0.2.7", 40'000};
        home_.run([&] { home_.tasks().spawn(converse(*this, route, request, fetched)); });
        world_.time.run_for(5s);
        return fetched;
    }
    Fetched get(const web::Route& route, std::string path, std::string query = {},
                std::vector<web::Header> headers = {}) {
        return fetch(route, {.method = "GET",
                             .path = std::move(path),
                             .query = std::move(query),
                             .headers = std::move(headers)});
    }

    hub::toys::World world_;
    VirtualExecutor& home_ = world_.time.add_executor();
    VirtualExecutor& disk_thread_ = world_.time.add_executor();
    VirtualExecutor& far_side_ = world_.time.add_executor();
    VirtualFolder folder_;
    SeededRandom random_{1};
    VirtualBackground disk_{disk_thread_, 1024};
    archive::Keeper keeper_{disk_, {.folder = folder_, .random = random_, .clock = world_.time}};
    AnyoneMay admission_;
    Desk desk_{home_, world_.directory, admission_, random_};
    NoChildren spawner_;
    Stills stills_{home_, world_.directory, spawner_};
    ExportPlans exports_{desk_};
    archive::TestCamera camera_;
    std::unique_ptr<hub::MediaFeed> feed_;
    std::vector<media::Track> tracks_;
    std::unique_ptr<hub::Recording> recording_;
    std::vector<media::AccessUnitRef> sent_;

private:
    static Task<> converse(ArchiveTest& self, const web::Route& route, web::Request request, Fetched& into) {
        web::Response response = co_await route.answer(request, self.home_);
        into.status = response.status;
        into.headers = response.headers;
        into.body.assign(response.body.begin(), response.body.end());
        if (response.takeover) {
            auto [ours, theirs] = virtual_connection(self.home_, self.far_side_);
            self.far_side_.tasks().spawn(read_all(std::move(theirs), self.far_side_, into));
            const ByteSpan body = as_bytes(request.body);
            co_await response.takeover(std::move(ours), {body.begin(), body.end()});
        }
    }
    /// What came behind the head.
    static Task<> read_all(std::unique_ptr<Connection> connection, Executor& home, Fetched& into) {
        std::array<std::byte, 4096> piece{};
        std::vector<std::byte> all;
        for (;;) {
            const Result<std::size_t> count = connection->try_read(piece);
            if (count) {
                all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
                continue;
            }
            if (count.error().code != Errc::would_block) {
                break;
            }
            const Result<> ready = co_await readable(*connection, home, Instant::never());
            if (!ready) {
                break;
            }
        }
        constexpr std::size_t status_at = std::string_view{"HTTP/1.1 "}.size();
        into.status = std::stoi(std::string{as_text(all).substr(status_at, 3)});
        const std::size_t head = as_text(all).find("\r\n\r\n");
        into.body.assign(all.begin() + static_cast<std::ptrdiff_t>(head + 4), all.end());
    }
};

}   // namespace millrace::session::toys
