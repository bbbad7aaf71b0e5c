#include "apps/node/node.hpp"
#include "base/waiting.hpp"
#include "control/enrolment.hpp"

// A box that shows its token's key: the node's part of that.

namespace millrace::apps {

void Node::enrol(hub::EnrolmentWish wish, Reply<hub::EnrolmentAnswer> reply) {
    Executor& aside = pool_.aside();
    aside.post([this, &aside, wish = std::move(wish), reply = std::move(reply)]() mutable {
        aside.tasks().spawn(enrol_here(std::move(wish), std::move(reply)));
    });
}

Task<> Node::enrol_here(hub::EnrolmentWish wish, Reply<hub::EnrolmentAnswer> reply) {
    Executor& here = pool_.aside();
    Answer<control::Outcome> answer{here};
    steward_.change(
        [wish, at = here.clock().utc()](control::State& state, const control::Standing& now) {
            return control::use_enrolment(state, now, wish, at);
        },
        answer.reply());
    Result<control::Outcome> outcome = co_await answer.within(Instant::never());
    const bool enrolled = outcome && outcome->status < 400;
    std::string words = outcome ? outcome->words : std::string{outcome.error().what};
    if (!enrolled) {
        events_.tell({.kind = hub::EventKind::refused,
                      .stream = {},
                      .text = fmt::format("The token of box {} was shown from {} and refused: {}", wish.name,
                                          wish.from, words),
                      .members = {}});
    }
    reply.give(hub::EnrolmentAnswer{.enrolled = enrolled, .words = std::move(words)});
}

}   // namespace millrace::apps
