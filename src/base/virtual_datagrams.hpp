#pragma once

#include "base/virtual_network.hpp"

#include <deque>
#include <vector>

namespace millrace {

/// A datagram socket of a VirtualNetwork, made by its `open`. What is on its way to it is kept here, by the
/// moment it arrives.
class VirtualDatagrams final : public Datagrams {
public:
    VirtualDatagrams(VirtualNetwork& network, Executor& executor, const PeerAddress& at);
    VirtualDatagrams(const VirtualDatagrams&) = delete;
    VirtualDatagrams& operator=(const VirtualDatagrams&) = delete;
    ~VirtualDatagrams() override;

    const Endpoint& local() const override { return local_; }
    Result<std::size_t> send(std::span<Datagram> batch) override;
    Result<std::size_t> receive(std::span<Received> into) override;
    void wait_readable(Waiter* waiter) override;
    void wait_writable(Waiter* waiter) override;

    /// Something that will arrive at `due`.
    void expect(const PeerAddress& from, ByteSpan bytes, Instant due);

private:
    struct Parcel {
        Instant due;
        std::uint64_t number;   // first sent first, among those due at the same moment
        PeerAddress from;
        std::vector<std::byte> bytes;
        bool operator<(const Parcel& other) const {
            return std::pair{due, number} > std::pair{other.due, other.number};
        }
    };

    /// Sends what is left of a datagram, and says whether all of it went.
    bool send_all(Datagram& datagram);
    void arrive();
    void tell_reader();
    void tell_writer();
    static void tell(Waiter*& slot);

    VirtualNetwork& network_;
    Executor& executor_;
    PeerAddress at_;
    Endpoint local_;
    std::vector<Parcel> under_way_;   // a heap, the next to arrive in front
    std::deque<Parcel> arrived_;
    std::size_t unread_ = 0;   // bytes of `arrived_`
    std::uint64_t numbers_ = 0;
    std::vector<std::byte> packet_;   // the one being sent
    Instant room_at_;                 // when the path that was full has room again
    Waiter* reader_ = nullptr;
    Waiter* writer_ = nullptr;
    Alarm<VirtualDatagrams, &VirtualDatagrams::arrive> arrival_{*this};
    Alarm<VirtualDatagrams, &VirtualDatagrams::tell_reader> reading_{*this};
    Alarm<VirtualDatagrams, &VirtualDatagrams::tell_writer> writing_{*this};
};

}   // namespace millrace
