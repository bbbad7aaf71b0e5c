#include "net/tls.hpp"

#include "net/certificate_for_tests.hpp"
#include "net/loopback_for_tests.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace millrace::net {
namespace {

using testing::Certificate;
using testing::RunningPool;

/// A server with `certificate`, and what one client that trusts as told gets from it.
Result<std::string> ask_with(const Certificate& certificate, const TlsClient::Trust& trust) {
    RunningPool running;
    ListenOptions options;
    options.address = "127.0.0.1";
    options.tls = std::make_shared<const TlsServer>(certificate.files());
    const auto listener = listen(running.pool, options, testing::serve_echo);
    const TlsClient client{trust};
    return testing::run(running.first(),
                        [&] { return testing::ask(running.first(), listener->local(), "hello", &client); });
}

TEST(TlsClient, believes_only_whom_it_was_told_to_believe) {
    const Certificate certificate;
    const Certificate another;
    const Certificate elsewhere{"DNS:elsewhere.example"};
    const struct {
        const char* name;
        const Certificate& server;
        TlsClient::Trust trust;
        bool believed;
    } cases[] = {
        {"signed by a known authority", certificate, {.authorities = certificate.files().certificate}, true},
        {"signed by nobody known", certificate, {.authorities = another.files().certificate}, false},
        {"not known to the system", certificate, {}, false},
        {"known, but for another name", elsewhere, {.authorities = elsewhere.files().certificate}, false},
        {"pinned", elsewhere, {.pin = elsewhere.digest()}, true},
        {"pinned to another", certificate, {.pin = another.digest()}, false},
        {"anyone", certificate, {.anyone = true}, true},
    };
    for (const auto& [name, server, trust, believed] : cases) {
        const auto answer = ask_with(server, trust);
        EXPECT_EQ(answer.has_value(), believed) << name;
        if (!answer) {
            EXPECT_EQ(answer.error().code, Errc::refused) << name << ": " << answer.error().what;
        }
    }
}

std::string why_not(const TlsServer::Files& files) {
    try {
        const TlsServer server{files};
        return "it works";
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

TEST(TlsServer, says_which_file_is_wrong_and_how) {
    const Certificate one;
    const Certificate two;
    const struct {
        TlsServer::Files files;
        const char* words;
    } cases[] = {
        {one.files(), "it works"},
        {{"/nowhere/cert.pem", one.files().key},
         "cannot read the certificate /nowhere/cert.pem: No such file"},
        {{one.files().certificate, "/nowhere/key.pem"}, "cannot read the key /nowhere/key.pem: No such file"},
        {{one.files().key, one.files().key}, "holds no usable PEM certificate"},
        {{one.files().certificate, one.files().certificate}, "holds no usable PEM key"},
        {{one.files().certificate, two.files().key}, "does not belong to the certificate"},
    };
    for (const auto& [files, words] : cases) {
        const std::string why = why_not(files);
        EXPECT_NE(why.find(words), std::string::npos) << why;
    }
}

Task<> keep_what_it_says(Executor& executor, std::unique_ptr<Connection> connection,
                         std::promise<Error>& says) {
    const Result<std::string> text = co_await testing::read_some(*connection, executor);
    says.set_value(text ? Error{Errc::exists, "it read something"} : text.error());
}

Task<Result<>> say_plainly(Worker& worker, Endpoint to, std::string text) {
    auto connection = co_await connect(worker, to, worker.now() + testing::patience);
    if (!connection) {
        co_return std::unexpected(connection.error());
    }
    const Result<> written = co_await testing::write_all(**connection, worker, as_bytes(text));
    [[maybe_unused]] const auto end = co_await testing::read_exactly(**connection, worker, 10'000);
    co_return written;
}

TEST(TlsConnection, names_what_is_not_tls) {
    const Certificate certificate;
    const struct {
        const char* bytes;
        const char* words;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "plain HTTP where TLS was expected"},
        {"\x03 this is a greeting of another kind", "not TLS"},
    };
    for (const auto& [bytes, words] : cases) {
        RunningPool running{1};
        std::promise<Error> says;
        ListenOptions options;
        options.address = "127.0.0.1";
        options.tls = std::make_shared<const TlsServer>(certificate.files());
        const auto listener =
            listen(running.pool, options, [&](Executor& executor, std::unique_ptr<Connection> it) {
                executor.tasks().spawn(keep_what_it_says(executor, std::move(it), says));
            });
        Worker& worker = running.first();
        EXPECT_TRUE(testing::run(worker, [&] { return say_plainly(worker, listener->local(), bytes); }));
        const Error error = testing::finish(says.get_future());
        EXPECT_EQ(error.code, Errc::malformed);
        EXPECT_EQ(error.what, words);
    }
}

}   // namespace
}   // namespace millrace::net
