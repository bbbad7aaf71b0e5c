#include "hub/directory.hpp"

#include "base/gather.hpp"

#include <algorithm>
#include <utility>

namespace millrace::hub {

Directory::Directory(Stream::Settings settings, Random& random) : settings_{settings}, random_{random} {
}

Directory::~Directory() = default;

Stream* Directory::at(const StreamHandle& stream) {
    const MutexLock lock{mutex_};
    Slot& slot = slots_[stream.slot];
    return slot.generation == stream.generation ? slot.stream.get() : nullptr;
}

std::optional<StreamHandle> Directory::find(const std::string& name) {
    const MutexLock lock{mutex_};
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) {
        return std::nullopt;
    }
    const Slot& slot = slots_[found->second];
    return StreamHandle{slot.home, found->second, slot.generation};
}

void Directory::use(std::shared_ptr<const SettingsByName> settings) {
    const MutexLock lock{mutex_};
    settings_by_name_ = std::move(settings);
}

Stream::Settings Directory::settings_of(const std::string& name) {
    std::shared_ptr<const SettingsByName> by_name;
    {
        const MutexLock lock{mutex_};
        by_name = settings_by_name_;
    }
    const Result<StreamName> parsed = StreamName::parse(name);
    return by_name == nullptr || !parsed ? settings_ : (*by_name)(*parsed);
}

Result<StreamHandle> Directory::find_or_create(const std::string& name, Executor& home) {
    if (const std::optional<StreamHandle> known = find(name)) {
        return *known;
    }
    const Stream::Settings settings = settings_of(name);
    const MutexLock lock{mutex_};
    if (finished_) {
        return fail(Errc::refused, "this node stops");
    }
    if (const auto found = by_name_.find(name); found != by_name_.end()) {
        const Slot& slot = slots_[found->second];
        return StreamHandle{slot.home, found->second, slot.generation};
    }
    if (by_name_.size() >= streams_max) {
        return fail(Errc::exhausted, "this node has as many streams as it takes");
    }
    std::uint32_t index = 0;
    if (free_.empty()) {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        index = free_.back();
        free_.pop_back();
    }
    Slot& slot = slots_[index];
    slot.name = name;
    slot.home = &home;
    const StreamHandle handle{&home, index, slot.generation};
    slot.stream = std::make_unique<Stream>(*this, handle, name, settings);
    by_name_.emplace(name, index);
    return handle;
}

void Directory::publish(SessionFacts facts, SessionRef session, Reply<Grant> reply) {
    const Result<StreamHandle> handle = find_or_create(facts.stream, *session.executor);
    if (!handle) {
        reply.give(std::unexpected(handle.error()));
        return;
    }
    on_home(*handle,
            [this, facts = std::move(facts), session, reply = std::move(reply)](Stream* stream) mutable {
                if (stream == nullptr) {
                    // It ended between the look-up and here: the next look-up finds or makes another.
                    publish(std::move(facts), session, std::move(reply));
                    return;
                }
                stream->offer(std::move(facts), session, std::move(reply));
            });
}

void Directory::append(const StreamHandle& stream, std::uint64_t publication, Batch& batch,
                       SessionRef session) {
    if (stream.home != nullptr && stream.home->is_current()) {
        if (Stream* const found = at(stream)) {
            found->append(publication, batch);
        }
        batch.clear();
        return;
    }
    on_home(stream, [publication, batch = std::exchange(batch, {}), session](Stream* found) mutable {
        if (found != nullptr) {
            found->append(publication, batch);
        }
        session.taken(batch.bytes_received);
    });
}

void Directory::unpublish(const StreamHandle& stream, std::uint64_t publication, bool said) {
    on_home(stream, [publication, said](Stream* found) {
        if (found != nullptr) {
            found->unpublish(publication, said);
        }
    });
}

void Directory::open(const std::string& name, const Flavour& flavour, MirrorRef mirror) {
    const Result<StreamHandle> handle = find_or_call(name);
    if (!handle) {
        mirror.opened(std::unexpected(handle.error()));
        return;
    }
    on_home(*handle, [this, name, flavour, mirror](Stream* stream) {
        if (stream == nullptr || stream->make_way()) {
            // It ended between the look-up and here: the next look-up finds another, or none.
            open(name, flavour, mirror);
            return;
        }
        stream->open(flavour, mirror);
    });
}

void Directory::close(const StreamHandle& stream, const FlavourKey& key, MirrorRef mirror) {
    on_home(stream, [key, mirror](Stream* found) {
        if (found != nullptr) {
            found->close(key, mirror);
        }
    });
}

void Directory::tell(Event event) {
    if (events_ != nullptr) {
        events_->tell(std::move(event));
    }
}

void Directory::tell_result(const std::string& stream, const media::TimedMessage& message) {
    if (events_ != nullptr) {
        const std::string members = fmt::format(R"("stream":{},)", web::json_quoted(stream));
        events_->tell_of_moment(EventKind::result, stream, media::message_text("kind", members, message));
    }
}

void Directory::say(const std::string& name, std::vector<media::TimedMessage> messages,
                    Reply<std::size_t> reply) {
    const std::optional<StreamHandle> handle = find(name);
    if (!handle) {
        reply.give(fail(Errc::not_found, "no such stream"));
        return;
    }
    on_home(*handle, [messages = std::move(messages), reply = std::move(reply)](Stream* found) mutable {
        std::size_t taken = 0;
        for (media::TimedMessage& message : messages) {
            const Result<> said =
                found != nullptr ? found->say(message) : Result<>{fail(Errc::not_found, "no such stream")};
            if (!said && taken == 0) {
                reply.give(std::unexpected(said.error()));
                return;
            }
            taken += said ? 1 : 0;
        }
        reply.give(std::size_t{taken});
    });
}

void Directory::introduce(Sessions& sessions) {
    sessions.tell_to(events_);
    const MutexLock lock{mutex_};
    sessions_[&sessions.executor()] = &sessions;
}

Sessions* Directory::sessions_of(const Executor& home) {
    const MutexLock lock{mutex_};
    const auto found = sessions_.find(&home);
    return found == sessions_.end() ? nullptr : found->second;
}

void Directory::list(const std::string& stream, SegmentAsk ask, Reply<SegmentListRef> reply) {
    const Result<StreamHandle> handle = find_or_call(stream);
    if (!handle) {
        reply.give(std::unexpected(handle.error()));
        return;
    }
    on_home(*handle, [this, stream, ask = std::move(ask), reply = std::move(reply)](Stream* found) mutable {
        if (found == nullptr || (!found->is_read_by(ask.viewer_key) && found->make_way())) {
            list(stream, std::move(ask), std::move(reply));
            return;
        }
        found->list(ask, std::move(reply));
    });
}

void Directory::fetch(const std::string& stream, SegmentAsk ask, std::string part_name,
                      Reply<media::SegmentPart> reply) {
    const std::optional<StreamHandle> handle = find(stream);
    if (!handle) {
        reply.give(fail(Errc::not_found, "no such stream"));
        return;
    }
    on_home(*handle, [ask = std::move(ask), part_name = std::move(part_name),
                      reply = std::move(reply)](Stream* found) mutable {
        if (found == nullptr) {
            reply.give(fail(Errc::not_found, "no such stream"));
            return;
        }
        found->fetch(ask, part_name, std::move(reply));
    });
}

void Directory::key_frame(const std::string& name, KeyFrameAsk ask, Reply<KeyFrame> reply) {
    const bool waits = ask == KeyFrameAsk::wait;
    const std::optional<StreamHandle> known = find(name);
    const Result<StreamHandle> handle = known   ? Result<StreamHandle>{*known}
                                        : waits ? find_or_call(name)
                                                : fail(Errc::not_found, "no such stream");
    if (!handle) {
        reply.give(std::unexpected(handle.error()));
        return;
    }
    on_home(*handle, [this, name, ask, waits, reply = std::move(reply)](Stream* found) mutable {
        if (found == nullptr || (waits && found->make_way())) {
            key_frame(name, ask, std::move(reply));
            return;
        }
        found->key_frame(ask, std::move(reply));
    });
}

void Directory::ask(const std::string& name, Ask ask) {
    if (const std::optional<StreamHandle> handle = find(name)) {
        on_home(*handle, [ask](Stream* stream) {
            if (stream != nullptr) {
                stream->ask(ask);
            }
        });
    }
}

void Directory::send_back(const std::string& name, Bytes message, Reply<bool> reply) {
    const std::optional<StreamHandle> handle = find(name);
    if (!handle) {
        reply.give(fail(Errc::not_found, "no such stream"));
        return;
    }
    on_home(*handle, [message = std::move(message), reply = std::move(reply)](Stream* found) mutable {
        const Result<> said = found != nullptr ? found->send_back(std::move(message))
                                               : Result<>{fail(Errc::not_found, "no such stream")};
        reply.give(said ? Result<bool>{true} : std::unexpected(said.error()));
    });
}

void Directory::hear(const std::string& name, const Bytes& message) {
    if (events_ != nullptr) {
        events_->tell_of_moment(EventKind::message, name,
                                fmt::format(R"({{"kind":"message","stream":{},"message":{}}})",
                                            web::json_quoted(name), as_text(message)));
    }
    send_back(name, message, {});
}

void Directory::finish(Reply<std::vector<Duration>> reply) {
    {
        const MutexLock lock{mutex_};
        finished_ = true;
    }
    std::unordered_map<Executor*, std::vector<Known>> homes = by_home(std::nullopt);
    std::vector<Executor*> executors;
    for (const auto& [home, known] : homes) {
        executors.push_back(home);
    }
    gather(executors, std::move(reply), [this, homes = std::move(homes)](Executor& home) {
        std::vector<Duration> needed;
        for (const Known& known : homes.at(&home)) {
            Stream* const stream = known.handle ? at(*known.handle) : nullptr;
            const Duration one = stream == nullptr ? Duration{} : stream->finish();
            if (one > Duration{}) {
                needed.push_back(one);
            }
        }
        return needed;
    });
}

void Directory::remove(const StreamHandle& stream) {
    std::unique_ptr<Stream> ended;
    {
        const MutexLock lock{mutex_};
        Slot& slot = slots_[stream.slot];
        if (slot.generation != stream.generation) {
            return;
        }
        by_name_.erase(slot.name);
        ended = std::move(slot.stream);
        ++slot.generation;
        free_.push_back(stream.slot);
    }
    stream.home->post([ended = std::move(ended)] {});
}

RunId Directory::new_run(WallTime now) {
    const MutexLock lock{mutex_};
    return {now.seconds(), random_.next_u32()};
}

}   // namespace millrace::hub
