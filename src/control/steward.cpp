#include "control/steward.hpp"

#include "base/away.hpp"
#include "base/log.hpp"

#include <utility>

namespace millrace::control {

namespace {

constexpr std::string_view who = "config";

/// A file that was read, or why not.
struct FileText {
    std::string text;
    std::string trouble;
};

FileText read_file(const std::string& name) {
    try {
        return {name.empty() ? std::string{} : read_configuration_file(name), {}};
    } catch (const ConfigurationError& error) {
        return {{}, error.what()};
    }
}

}   // namespace

Steward::Steward(Means means, ConfigurationSources sources, StandingRef standing)
    : means_{means}, sources_{std::move(sources)}, standing_{std::move(standing)} {
}

void Steward::change(Edit edit, Reply<Outcome> reply) {
    means_.home.post([this, edit = std::move(edit), reply = std::move(reply)]() mutable {
        add({std::move(edit), std::move(reply)});
    });
}

void Steward::reload(Reply<Outcome> reply) {
    means_.home.post([this, reply = std::move(reply)]() mutable { add({nullptr, std::move(reply)}); });
}

void Steward::ask(Reply<StandingRef> reply) {
    means_.home.post([this, reply = std::move(reply)]() mutable { reply.give(standing_); });
}

void Steward::add(Job job) {
    if (jobs_.size() == waiting_max) {
        job.reply.give(fail(Errc::exhausted, "too many changes wait; try again in a moment"));
        return;
    }
    jobs_.push_back(std::move(job));
    if (!std::exchange(busy_, true)) {
        means_.home.tasks().spawn(work_off());
    }
}

Task<> Steward::work_off() {
    while (!jobs_.empty()) {
        Job job = std::move(jobs_.front());
        jobs_.pop_front();
        const bool reload = job.edit == nullptr;
        Outcome outcome = co_await carry_out(job);
        if (reload && outcome.status >= 400) {
            log::error(who, "the configuration stays as it was: {}", outcome.words);
        } else if (outcome.status < 400) {
            log::info(
                who, "{}",
                reload ? "the configuration was read again" : "the configuration was changed by the API");
        }
        job.reply.give(std::move(outcome));
    }
    busy_ = false;
}

Task<Outcome> Steward::carry_out(Job& job) {
    Standing next;
    next.state = standing_->state;
    const bool afresh = job.edit == nullptr;
    std::string old_text = sources_.file_text;
    if (afresh) {
        Result<FileText> file =
            co_await away(means_.disk, means_.home, [name = sources_.file_name] { return read_file(name); });
        if (!file || !file->trouble.empty()) {
            co_return Outcome{422, file ? std::move(file->trouble) : std::string{file.error().what}};
        }
        sources_.file_text = std::move(file->text);
    } else {
        Outcome edited = job.edit(next.state, *standing_);
        if (edited.status >= 400) {
            co_return edited;
        }
    }
    try {
        next = stand(sources_, std::move(next.state));
    } catch (const ConfigurationError& error) {
        sources_.file_text = std::move(old_text);
        co_return Outcome{422, error.what()};
    }
    if (!afresh && has_admin(standing_->configuration) && !has_admin(next.configuration)) {
        co_return Outcome{409,
                          "nobody could administer this node any more: make another administrator first"};
    }
    Outcome outcome = co_await enforce(std::move(next), afresh, !afresh);
    if (outcome.status >= 400) {
        sources_.file_text = std::move(old_text);
    }
    co_return outcome;
}

Task<Result<>> Steward::write(std::string text) {
    const Result<bool> kept =
        co_await away(means_.disk, means_.home, [&storage = means_.storage, text = std::move(text)] {
            return storage.replace(std::string{State::file_name}, as_bytes(text)).has_value();
        });
    if (!kept) {
        co_return std::unexpected(kept.error());
    }
    co_return *kept ? Result<>{} : fail(Errc::io, "storage.path cannot be written to");
}

Task<Outcome> Steward::enforce(Standing next, bool afresh, bool keep) {
    try {
        means_.realm.prepare(next, afresh);
    } catch (const std::runtime_error& error) {
        means_.realm.abandon();
        co_return Outcome{409, error.what()};
    }
    std::string text = keep ? state_text(next.state) : std::string{};
    if (text.size() > State::size_max) {
        means_.realm.abandon();
        co_return Outcome{413, "more changes than the state file may hold; write some into the file"};
    }
    if (keep) {
        const Result<> kept = co_await write(std::move(text));
        if (!kept) {
            means_.realm.abandon();
            log::error(who, "a change could not be kept: {}", kept.error().what);
            // A disk that failed late may have it all the same.
            (void)co_await write(state_text(standing_->state));
            co_return Outcome{503,
                              "the change could not be kept on the disk (storage.path); nothing changed"};
        }
    }
    standing_ = std::make_shared<const Standing>(std::move(next));
    means_.realm.apply(standing_);
    co_return Outcome{};
}

}   // namespace millrace::control
