#include "protocol/link/server.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

#include <algorithm>

namespace millrace::link {

namespace {

/// RFC 6347 §4.1, RFC 5246 §6.2.1: a handshake record before there are keys; §4.2.2: that begins one.
bool is_first_word(ByteSpan record) {
    constexpr std::size_t header = 13;
    constexpr auto handshake = std::byte{22};
    constexpr auto client_hello = std::byte{1};
    return record.size() > header && record[0] == handshake && record[3] == std::byte{0} &&
           record[4] == std::byte{0} && record[header] == client_hello;
}

}   // namespace

void Server::receive(const PeerAddress& from, ByteSpan datagram, Instant now) {
    ByteReader reader{datagram};
    const std::uint64_t id = reader.u64();
    if (!reader.ok()) {
        ++counters_.strangers;
        return;
    }
    const auto found = associations_.find(id);
    if (found == associations_.end()) {
        meet(from, id, reader.rest(), now);
        return;
    }
    found->second.association.receive(from, reader.rest(), now);
    settle(id);
}

void Server::meet(const PeerAddress& from, std::uint64_t id, ByteSpan record, Instant now) {
    if (!is_first_word(record)) {
        ++counters_.strangers;
        return;
    }
    DtlsServer::Heard heard = dtls_.hear(from, id, record, now);
    if (!heard.begun) {
        ++counters_.strangers;
        for (const std::vector<std::byte>& answer : heard.answer) {
            std::vector<std::byte> bytes;
            ByteWriter writer{bytes};
            writer.u64(id);
            writer.bytes(answer);
            out_.push_back({from, std::move(bytes)});
        }
        return;
    }
    if (!has_room(from)) {
        ++counters_.turned_away;
        return;
    }
    Association association{{Association::Role::server, std::move(*heard.begun), id, from}, random_, now};
    associations_.emplace(id, Entry{std::move(association)});
    associations_.at(id).association.receive(from, {}, now);   // what was heard is in it already
    settle(id);
}

bool Server::has_room(const PeerAddress& from) const {
    std::size_t handshakes = 0;
    std::size_t of_host = 0;
    for (const auto& [id, entry] : associations_) {
        handshakes += entry.let_in ? 0 : 1;
        of_host += !entry.let_in && entry.association.peer().host() == from.host() ? 1 : 0;
    }
    return associations_.size() < limits_.associations && handshakes < limits_.handshakes &&
           of_host < limits_.handshakes_of_host;
}

void Server::collect(Association& association) {
    while (std::optional<Letter> letter = association.next_output()) {
        out_.push_back(std::move(*letter));
    }
}

void Server::schedule(std::uint64_t id, Entry& entry) {
    const Instant due = entry.association.deadline();
    if (due != entry.due) {
        due_.erase({entry.due, id});
        due_.emplace(due, id);
        entry.due = due;
    }
}

/// Takes over what it wants sent, and tells of its beginning and end.
void Server::settle(std::uint64_t id) {
    Entry& entry = associations_.at(id);
    collect(entry.association);
    schedule(id, entry);
    if (!entry.touched) {
        entry.touched = true;
        touched_.push_back(id);
    }
    if (entry.association.is_open() && !entry.told) {
        entry.told = true;
        events_.emplace_back(Opened{id});
    }
    if (const std::optional<Error> why = entry.association.ending()) {
        Ended ended{id, *why, entry.association.farewell(), entry.told, {}};
        while (auto message = entry.association.next_message()) {
            ended.unread.push_back(std::move(*message));
        }
        events_.emplace_back(std::move(ended));
        due_.erase({entry.due, id});
        associations_.erase(id);
    }
}

void Server::advance(Instant now) {
    std::vector<std::uint64_t> due;
    for (auto one = due_.begin(); one != due_.end() && one->first <= now; ++one) {
        due.push_back(one->second);
    }
    for (const std::uint64_t id : due) {
        associations_.at(id).association.advance(now);
        settle(id);
    }
}

Instant Server::deadline() const {
    return due_.empty() ? Instant::never() : due_.begin()->first;
}

std::optional<Letter> Server::next_output() {
    if (out_.empty()) {
        return std::nullopt;
    }
    std::optional<Letter> first{std::move(out_.front())};
    out_.pop_front();
    return first;
}

std::optional<Server::Event> Server::next_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    std::optional<Event> first{std::move(events_.front())};
    events_.pop_front();
    return first;
}

std::optional<std::uint64_t> Server::next_touched() {
    if (touched_.empty()) {
        return std::nullopt;
    }
    const std::uint64_t first = touched_.front();
    touched_.pop_front();
    if (const auto found = associations_.find(first); found != associations_.end()) {
        found->second.touched = false;
    }
    return first;
}

const Association* Server::find(std::uint64_t id) const {
    const auto found = associations_.find(id);
    return found == associations_.end() ? nullptr : &found->second.association;
}

Result<> Server::send(std::uint64_t id, const Bytes& message, Instant now) {
    const auto found = associations_.find(id);
    if (found == associations_.end()) {
        return fail(Errc::not_found, "this link ended");
    }
    Result<> sent = found->second.association.send(message, now);
    settle(id);
    return sent;
}

std::optional<std::vector<std::byte>> Server::next_message(std::uint64_t id) {
    const auto found = associations_.find(id);
    if (found == associations_.end()) {
        return std::nullopt;
    }
    std::optional<std::vector<std::byte>> message = found->second.association.next_message();
    schedule(id, found->second);   // its window may have news
    return message;
}

void Server::let_in(std::uint64_t id) {
    if (const auto found = associations_.find(id); found != associations_.end()) {
        found->second.let_in = true;
    }
}

void Server::close(std::uint64_t id, std::string_view reason, Instant now) {
    const auto found = associations_.find(id);
    if (found != associations_.end()) {
        found->second.association.close(reason, now);
        settle(id);
    }
}

}   // namespace millrace::link
