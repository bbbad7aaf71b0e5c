#include "apps/kcpbench/links.hpp"

#include "protocol/kcp/path_for_tests.hpp"
#include "protocol/link/server.hpp"

#include <fmt/core.h>

#include <ctime>

namespace millrace::link {

namespace {

constexpr std::size_t frame_size = 2'000'000 / 8 / 30;
constexpr int frame_ms = 33;

/// Cameras, each with a link of its own to one server, on virtual time; processor time is taken only while
/// the server works.
class Crowd {
public:
    Crowd(std::size_t links, double loss) : loss_{loss} {
        for (std::size_t i = 0; i < links; ++i) {
            const auto port = static_cast<std::uint16_t>(1'000 + i);
            addresses_.push_back(*PeerAddress::parse({"192.0.2.7", port}));
            cameras_.push_back(std::make_unique<Association>(
                Association::Start{Association::Role::client, *trust_->connect(), i, addresses_[i]}, random_,
                now_));
        }
        for (int ms = 0; ms < 2'000; ++ms) {
            turn();
        }
    }

    void run(int seconds) {
        took_ = 0;
        received_ = 0;
        bytes_ = 0;
        for (int ms = 0; ms < seconds * 1'000; ++ms) {
            for (std::size_t i = 0; i < cameras_.size(); ++i) {
                if ((ms + static_cast<int>(i)) % frame_ms == 0) {
                    static_cast<void>(cameras_[i]->send(Bytes{std::vector<std::byte>(frame_size)}, now_));
                }
            }
            turn();
        }
    }

    double took() const { return took_; }   // µs
    std::uint64_t received() const { return received_; }
    std::uint64_t bytes() const { return bytes_; }
    std::size_t open() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(cameras_, [](const auto& camera) { return camera->is_open(); }));
    }

private:
    bool arrives() { return dice_.share() >= loss_; }
    void turn() {
        now_ = now_ + 1ms;
        std::vector<Letter> letters;
        for (std::size_t i = 0; i < cameras_.size(); ++i) {
            if (cameras_[i]->deadline() <= now_) {
                cameras_[i]->advance(now_);
            }
            while (auto letter = cameras_[i]->next_output()) {
                if (arrives()) {
                    letters.push_back({addresses_[i], std::move(letter->bytes)});
                }
            }
        }
        for (const Letter& letter : serve(letters)) {
            const std::size_t camera = letter.peer.port() - std::size_t{1'000};
            if (arrives()) {
                cameras_[camera]->receive(addresses_[camera], ByteSpan{letter.bytes}.subspan(id_size), now_);
            }
        }
    }
    std::vector<Letter> serve(const std::vector<Letter>& letters) {
        const std::clock_t began = std::clock();
        for (const Letter& letter : letters) {
            server_.receive(letter.peer, letter.bytes, now_);
        }
        if (server_.deadline() <= now_) {
            server_.advance(now_);
        }
        for (std::size_t i = 0; i < cameras_.size(); ++i) {
            while (const auto message = server_.next_message(i)) {
                bytes_ += message->size();
            }
        }
        std::vector<Letter> answers;
        while (auto letter = server_.next_output()) {
            answers.push_back(std::move(*letter));
        }
        while (server_.next_event()) {
        }
        took_ += static_cast<double>(std::clock() - began) * 1e6 / CLOCKS_PER_SEC;
        received_ += letters.size();
        return answers;
    }

    double loss_;
    SeededRandom random_{1};
    kcp::Dice dice_{1};
    Identity identity_ = *make_identity("bench");
    std::unique_ptr<DtlsServer> dtls_ = *DtlsServer::make(identity_, {}, random_);
    std::unique_ptr<DtlsClient> trust_ = *DtlsClient::make({.pin = *fingerprint_of(identity_.certificate)});
    Server server_{*dtls_, random_, {.handshakes = 1'000, .handshakes_of_host = 1'000}};
    std::vector<PeerAddress> addresses_;
    std::vector<std::unique_ptr<Association>> cameras_;
    Instant now_ = Instant::from_nanoseconds(1'000'000'000);
    double took_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t bytes_ = 0;
};

}   // namespace

void print_cost_of_links(std::size_t links, double loss, int seconds) {
    Crowd crowd{links, loss};
    crowd.run(seconds);
    fmt::print("| {} of {} links open, {:.0f} % loss | {:.2f} | {:.1f} | {:.1f} |\n", crowd.open(), links,
               loss * 100, crowd.took() / static_cast<double>(crowd.received()), crowd.took() / seconds / 1e4,
               static_cast<double>(crowd.bytes()) * 8 / seconds / 1e6);
}

}   // namespace millrace::link
