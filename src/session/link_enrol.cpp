#include "session/link_enrol.hpp"

#include "base/hex.hpp"
#include "base/log.hpp"
#include "base/url.hpp"
#include "net/drive.hpp"
#include "session/desk.hpp"
#include "session/link_dial.hpp"

namespace millrace::session {

namespace {

constexpr Duration patience = 15s;
constexpr std::string_view key_word = "key=";
constexpr std::size_t key_size_min = 16;
constexpr std::size_t key_size_max = 64;

/// The key that a box says; nothing: it says none, or no good one.
std::optional<std::vector<std::byte>> key_in(std::string_view query) {
    auto key = query.starts_with(key_word) ? hex_bytes(query.substr(key_word.size())) : std::nullopt;
    const bool good = key && key->size() >= key_size_min && key->size() <= key_size_max;
    return good ? std::move(key) : std::nullopt;
}

Task<hub::EnrolmentAnswer> answer_to(Desk& desk, hub::EnrolmentWish wish) {
    if (!desk.enrol) {
        co_return hub::EnrolmentAnswer{.enrolled = false, .words = "nobody is enrolled at this node"};
    }
    Answer<hub::EnrolmentAnswer> answer{desk.executor};
    desk.enrol(std::move(wish), answer.reply());
    Result<hub::EnrolmentAnswer> given = co_await answer.within(desk.executor.now() + patience);
    co_return given ? std::move(*given)
                    : hub::EnrolmentAnswer{.enrolled = false, .words = std::string{given.error().what}};
}

/// What the server says to the first words; nothing: it took them.
Task<std::string> heard(Executor& executor, Connection& connection, link::Talk& talk) {
    std::vector<std::byte> buffer(Desk::read_size);
    for (;;) {
        while (const std::optional<link::Talk::Event> event = talk.next_event()) {
            if (std::holds_alternative<link::Welcome>(*event)) {
                co_return std::string{};
            }
            if (const auto* const refusal = std::get_if<link::Refusal>(&*event)) {
                co_return fmt::format("the server says: {}", log::escaped(refusal->words));
            }
        }
        const Result<> turn = co_await net::drive(connection, talk, executor, buffer);
        if (!turn) {
            co_return std::string{turn.error().what};
        }
    }
}

}   // namespace

Task<> enrol_guest(Desk& desk, LinkConnection& connection, const std::string& query, link::Talk& talk) {
    const std::string name = connection.psk_identity().substr(hub::enrolment_prefix.size());
    const std::string from = connection.peer().text();
    auto key = key_in(query);
    hub::EnrolmentAnswer answer{.enrolled = false,
                                .words = "this key is a token's: run millrace enroll with it first"};
    if (key) {
        auto asked = answer_to(desk, {.name = name, .key = std::move(*key), .from = from});
        answer = co_await asked;
    }
    if (answer.enrolled) {
        log::info("kcp", "the box {} was enrolled from {}", name, from);
        talk.welcome({});
    } else {
        log::error("kcp", "ALARM: the token of box {} was shown from {} and refused: {}", name, from,
                   answer.words);
        desk.tally.count("kcp", Errc::refused);
        talk.refuse(Errc::refused, answer.words);
    }
    [[maybe_unused]] const Result<> sent = co_await net::flush(connection, talk, desk.executor);
}

Task<std::string> link_enrol(EnrolmentMeans means, Enrolling enrolling) {
    Executor& executor = means.executor;
    const Result<Url> url = parse_url(enrolling.token);
    auto key = url ? hex_bytes(url->password) : std::nullopt;
    if (!url || url->scheme != "kcp" || !key || key->size() < key_size_min || key->size() > key_size_max) {
        co_return std::string{
            "this is no token: wanted is kcp://NAME:KEY@HOST:PORT/STREAM, as the server's "
            "'millrace enroll' printed it"};
    }
    std::string words;
    link::DtlsClient::Trust trust{
        .psk = link::DtlsClient::Psk{.identity = std::string{hub::enrolment_prefix} + url->user,
                                     .key = std::move(*key)}};
    LinkCall call{.to = url->endpoint(),
                  .trust = std::move(trust),
                  .deadline = executor.now() + patience,
                  .words = &words};
    auto calling = link_dial(executor, means.connector, means.random, std::move(call));
    Result<std::unique_ptr<LinkConnection>> connection = co_await calling;
    if (!connection) {
        co_return fmt::format("{}: {}", url->authority(),
                              words.empty() ? std::string{connection.error().what} : words);
    }
    link::Talk talk{{.direction = link::Direction::publish,
                     .name = url->target.substr(1),
                     .query = std::string{key_word} + hex_text(enrolling.key)},
                    executor.now()};
    auto hearing = heard(executor, **connection, talk);
    std::string said = co_await hearing;
    (*connection)->close();
    co_return said;
}

}   // namespace millrace::session
