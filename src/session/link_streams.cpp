#include "session/link_streams.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"

#include <algorithm>
#include <utility>

namespace millrace::session {

namespace {
constexpr Duration look_every = 10ms;   // while a handshake is under way
}   // namespace

/// A place among the guests, given back at its end.
class LinkStreams::Seat {
public:
    Seat(LinkStreams& streams, std::string host)
        : streams_{&streams}, place_{streams.guests_.insert(streams.guests_.end(), {std::move(host)})} {}
    Seat(Seat&& other) noexcept : streams_{std::exchange(other.streams_, nullptr)}, place_{other.place_} {}
    Seat& operator=(Seat&&) = delete;
    ~Seat() {
        if (streams_ != nullptr) {
            streams_->guests_.erase(place_);
        }
    }
    void let_in() { place_->let_in = true; }

private:
    LinkStreams* streams_;
    Place place_;
};

class LinkStreams::Accepted final : public TlsLinkConnection {
public:
    Accepted(LinkStreams& streams, Seat seat, std::unique_ptr<TlsLine> line)
        : TlsLinkConnection{streams.executor_, std::move(line), &streams.ending_}, seat_{std::move(seat)} {}
    void let_in() override {
        seat_.let_in();
        TlsLinkConnection::let_in();
    }

private:
    Seat seat_;
};

bool LinkStreams::has_room(const std::string& host) const {
    const auto strangers = std::ranges::count(guests_, false, &Guest::let_in);
    const auto of_host = std::ranges::count_if(
        guests_, [&host](const Guest& guest) { return !guest.let_in && guest.host == host; });
    return guests_.size() < limits_.associations && std::cmp_less(strangers, limits_.handshakes) &&
           std::cmp_less(of_host, limits_.handshakes_of_host);
}

void LinkStreams::take(std::unique_ptr<Connection> tcp) {
    if (!has_room(tcp->peer().address)) {
        ++turned_away_;
        tcp->close();
        return;
    }
    Seat seat{*this, tcp->peer().address};
    executor_.tasks().spawn(greet(std::move(seat), std::move(tcp)));
}

Task<> LinkStreams::greet(Seat seat, std::unique_ptr<Connection> tcp) {
    Result<link::Tls> tls = dtls_.meet();
    if (!tls) {
        tcp->close();
        co_return;
    }
    auto line = std::make_unique<TlsLine>(
        executor_, std::move(tcp), nullptr,
        link::TlsAssociation{link::TlsAssociation::Role::server, std::move(*tls), executor_.now()});
    while (!line->association().is_open()) {
        if (line->association().ending()) {
            line->tcp().close();
            co_return;
        }
        co_await sleep_until(executor_, executor_.now() + look_every);
    }
    on_link_(std::make_unique<Accepted>(*this, std::move(seat), std::move(line)));
}

}   // namespace millrace::session
