#include "session/rtsp_tunnels.hpp"

namespace millrace::session {

void TunnelRef::hear(std::vector<std::byte> bytes, Reply<bool> reply) const {
    executor->post([get = *this, bytes = std::move(bytes), reply = std::move(reply)]() mutable {
        if (TunnelEnd* const end = get.ends->find(get.id)) {
            end->hear(std::move(bytes), std::move(reply));
        }
    });
}

void RtspTunnels::open(std::string cookie, std::string address, TunnelRef get, Reply<TunnelRef> reply) {
    home_.post([this, cookie = std::move(cookie), address = std::move(address), get,
                reply = std::move(reply)]() mutable {
        if (open_.size() >= tunnels_max) {
            reply.give(fail(Errc::exhausted, "too many tunnels over HTTP are open"));
        } else if (!open_.try_emplace(std::move(cookie), Open{std::move(address), get}).second) {
            reply.give(fail(Errc::exists, "a tunnel of this cookie is open"));
        } else {
            reply.give(get);
        }
    });
}

void RtspTunnels::find(std::string cookie, std::string address, Reply<TunnelRef> reply) {
    home_.post(
        [this, cookie = std::move(cookie), address = std::move(address), reply = std::move(reply)]() mutable {
            const auto found = open_.find(cookie);
            const bool its = found != open_.end() && found->second.address == address;
            reply.give(its ? Result<TunnelRef>{found->second.get}
                           : fail(Errc::not_found, "a POST of a tunnel without its GET"));
        });
}

void RtspTunnels::close(std::string cookie) {
    home_.post([this, cookie = std::move(cookie)] { open_.erase(cookie); });
}

}   // namespace millrace::session
