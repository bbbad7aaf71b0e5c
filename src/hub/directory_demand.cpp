#include "base/gather.hpp"
#include "hub/demand.hpp"
#include "hub/directory.hpp"

#include <algorithm>

// Streams that are not there, but could be: those of sources on demand.

namespace millrace::hub {

std::optional<Demand::Offer> Directory::offer_of(const std::string& name) const {
    return demand_ == nullptr ? std::nullopt : demand_->offer_of(name);
}

bool Directory::has_source(const std::string& name) const {
    const std::optional<Demand::Offer> offer = offer_of(name);
    return offer && offer->on_demand;
}

bool Directory::wake_source(const std::string& name) {
    return demand_ != nullptr && demand_->wake(name);
}

bool Directory::rest_source(const std::string& name) {
    return demand_ != nullptr && demand_->rest(name);
}

Result<StreamHandle> Directory::find_or_call(const std::string& name) {
    if (const std::optional<StreamHandle> known = find(name)) {
        return *known;
    }
    const std::optional<Demand::Offer> offer = offer_of(name);
    return offer && offer->on_demand ? find_or_create(name, *offer->home)
                                     : fail(Errc::not_found, "no such stream");
}

/// As `by_home`, without a look at all the others: some ask for one again and again.
std::unordered_map<Executor*, std::vector<Directory::Known>> Directory::home_of(const std::string& name) {
    const std::optional<Demand::Offer> offer = offer_of(name);
    const std::optional<StreamHandle> handle = find(name);
    if (!handle && !offer) {
        return {};
    }
    Executor* const home = handle ? handle->home : offer->home;
    return {{home, {Known{name, home, handle, offer.has_value(), offer && offer->on_demand}}}};
}

std::unordered_map<Executor*, std::vector<Directory::Known>> Directory::by_home(
    const std::optional<std::string>& name) {
    if (name) {
        return home_of(*name);
    }
    std::unordered_map<std::string, Known> found;
    for (Demand::Offer& offer : demand_ == nullptr ? std::vector<Demand::Offer>{} : demand_->offers()) {
        found[offer.stream] = {offer.stream, offer.home, std::nullopt, true, offer.on_demand};
    }
    {
        const MutexLock lock{mutex_};
        for (const auto& [stream, index] : by_name_) {
            const Slot& slot = slots_[index];
            Known& known = found[stream];
            known.name = stream;
            known.home = slot.home;
            known.handle = StreamHandle{slot.home, index, slot.generation};
        }
    }
    std::unordered_map<Executor*, std::vector<Known>> homes;
    for (auto& [stream, known] : found) {
        homes[known.home].push_back(std::move(known));
    }
    return homes;
}

std::vector<StreamReport> Directory::report_of(const std::vector<Known>& known) {
    std::vector<StreamReport> reports;
    for (const Known& one : known) {
        const Stream* const stream = one.handle ? at(*one.handle) : nullptr;
        if (stream != nullptr && !stream->lingers()) {
            reports.push_back(stream->report());
        } else if (one.offered) {
            reports.push_back(
                {.name = one.name, .state = one.on_demand ? StreamState::offline : StreamState::waiting});
        } else {
            continue;
        }
        reports.back().on_demand = one.on_demand;
        if (one.offered) {
            reports.back().sources = demand_->sources_of(one.name);
        }
    }
    return reports;
}

void Directory::report(std::optional<std::string> name, Reply<std::vector<StreamReport>> reply) {
    std::unordered_map<Executor*, std::vector<Known>> homes = by_home(name);
    std::vector<Executor*> executors;
    for (const auto& [home, known] : homes) {
        executors.push_back(home);
    }
    gather(executors, std::move(reply),
           [this, homes = std::move(homes)](Executor& home) { return report_of(homes.at(&home)); });
}

void Directory::note_wish(const std::string& name, const Hops& through, Instant now) {
    const MutexLock lock{mutex_};
    if (wishes_.size() >= wishes_max) {
        std::erase_if(wishes_, [now](const auto& one) { return now - one.second.at > wish_lasts; });
    }
    if (wishes_.size() < wishes_max || wishes_.contains(name)) {
        wishes_.insert_or_assign(name, Wish{through, now});
    }
}

Hops Directory::wishes(const std::string& name, Instant now) {
    const MutexLock lock{mutex_};
    const auto found = wishes_.find(name);
    return found == wishes_.end() || now - found->second.at > wish_lasts ? Hops{} : found->second.through;
}

bool Directory::call(const std::string& name) {
    const std::optional<StreamHandle> handle = has_source(name) ? find(name) : std::nullopt;
    if (handle) {
        on_home(*handle, [](Stream* stream) {
            if (stream != nullptr) {
                stream->call_source();
            }
        });
    }
    return handle.has_value();
}

void Directory::source_failed(const std::string& name, Error error) {
    if (const std::optional<StreamHandle> handle = find(name)) {
        on_home(*handle, [error](Stream* stream) {
            if (stream != nullptr) {
                stream->source_failed(error);
            }
        });
    }
}

}   // namespace millrace::hub
