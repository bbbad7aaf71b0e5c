#include "session/source_publisher.hpp"

#include "base/waiting.hpp"

#include <utility>

namespace millrace::session {

namespace {

constexpr Duration congestion_pause = 5ms;

}   // namespace

SourcePublisher::SourcePublisher(Desk& desk, SourceLeash& leash, std::string_view protocol,
                                 const std::string& stream)
    : Entry{desk.sessions,
            {.kind = hub::SessionKind::publisher,
             .protocol = protocol,
             .stream = stream,
             .peer = {},
             .since = {}}},
      desk_{desk},
      leash_{leash} {
}

void SourcePublisher::use(Connection* link) {
    link_ = link;
    leash_.hold(link);
    if (link != nullptr) {
        facts_.peer = link->peer();
    }
}

Task<Result<>> SourcePublisher::begin() {
    const Result<> stage = co_await leash_.take_stage();
    if (!stage) {
        co_return std::unexpected(stage.error());
    }
    Answer<hub::Grant> answer{desk_.executor};
    desk_.directory.publish(facts(), ref(), answer.reply());
    // No deadline: a grant that nobody waits for would keep the name; the hub answers within seconds.
    const Result<hub::Grant> grant = co_await answer.within(Instant::never());
    if (!grant) {
        co_return std::unexpected(grant.error());
    }
    publication_.emplace(desk_.directory, desk_.executor, ref(), *grant);
    since_ = desk_.executor.now();
    co_return Result<>{};
}

void SourcePublisher::write(media::AccessUnit unit) {
    bytes_ += unit.payload.size();
    wrote_ = true;
    publication_->write(std::move(unit));
}

void SourcePublisher::push() {
    publication_->flush();
    if (std::exchange(wrote_, false)) {
        leash_.delivered();
    }
}

Task<> SourcePublisher::flush() {
    push();
    while (publication_->congested() && !is_over()) {
        co_await sleep_until(desk_.executor, desk_.executor.now() + congestion_pause);
    }
}

void SourcePublisher::finish(bool said) {
    if (began() && (said || is_over()) && leash_.ends_stream()) {
        publication_->finish();
    }
}

void SourcePublisher::end(Error /*reason*/) {
    ended_ = true;
    if (link_ != nullptr) {
        link_->close();
    }
}

void SourcePublisher::on_ask(hub::Ask ask) {
    if (std::holds_alternative<hub::AskKeyFrame>(ask) && on_key_frame_wanted) {
        on_key_frame_wanted();
    }
}

void SourcePublisher::on_taken(std::size_t bytes) {
    if (publication_) {
        publication_->taken(bytes);
    }
}

}   // namespace millrace::session
