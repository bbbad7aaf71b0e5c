#pragma once

#include "base/virtual_background.hpp"
#include "base/virtual_time.hpp"
#include "control/gate.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace millrace::control::testing {

constexpr HashCost cheap{.memory_kib = 8, .passes = 1, .lanes = 1};

inline Grant grant(hub::Action action, std::string_view pattern) {
    return {action, *NamePattern::parse(pattern)};
}

inline User user(std::string name, std::string_view password, std::vector<Grant> allow) {
    SeededRandom random{7};
    return {.name = std::move(name),
            .password = password.empty() ? "" : PasswordHash::of(password, random, cheap)->text(),
            .allow = std::move(allow)};
}

inline Token token(std::string name, std::string_view secret, std::vector<Grant> allow) {
    return {.name = std::move(name), .sha256 = sha256(secret), .allow = std::move(allow), .expires = {}};
}

/// A gate on virtual time, with an asker on another executor than its home.
class Doorway {
public:
    explicit Doorway(const Configuration& configuration, std::size_t hashes_waiting_max = 64)
        : hashing{time.add_executor(), hashes_waiting_max} {
        gate.use(policy_of(configuration));
    }

    void use(const Configuration& configuration) { gate.use(policy_of(configuration)); }

    /// What becomes of a petition; nothing if it is not known yet when all that is due now is done.
    Result<hub::Admitted> decide(hub::Petition petition) {
        Answer<hub::Admitted> answer{asker};
        gate.decide(std::move(petition), answer.reply());
        return wait_for(answer);
    }
    Result<SignedIn> identify(hub::Petition petition) {
        Answer<SignedIn> answer{asker};
        gate.identify(std::move(petition), answer.reply());
        return wait_for(answer);
    }
    Result<SignedIn> sign_in(hub::Petition petition, Proof proof) {
        Answer<SignedIn> answer{asker};
        gate.sign_in(std::move(petition), std::move(proof), answer.reply());
        return wait_for(answer);
    }

    template <class T>
    Result<T> wait_for(Answer<T>& answer) {
        time.settle();
        std::optional<Result<T>> result;
        asker.run([&] { asker.tasks().spawn(take(answer, result)); });
        time.settle();
        return result ? std::move(*result) : Result<T>{fail(Errc::would_block, "nothing yet")};
    }

    VirtualTime time;
    VirtualExecutor& home = time.add_executor();
    VirtualExecutor& asker = time.add_executor();
    VirtualBackground hashing;
    SeededRandom random{3};
    Gate gate{home, hashing, random, {.cookie_key = sha256("cookies"), .machine_name = "den"}};

private:
    template <class T>
    static Task<> take(Answer<T>& answer, std::optional<Result<T>>& into) {
        Result<T> given = co_await answer.within(Instant::never());
        into.emplace(std::move(given));
    }
};

/// A player's petition, by RTMP from 192.0.2.1.
inline hub::Petition player(std::string stream, std::string query = {}) {
    return {.action = hub::Action::play,
            .stream = std::move(stream),
            .protocol = "rtmp",
            .peer = {"192.0.2.1", 5000},
            .query = std::move(query)};
}

inline Errc code(const Result<hub::Admitted>& result) {
    return result ? Errc::would_block : result.error().code;
}

}   // namespace millrace::control::testing
