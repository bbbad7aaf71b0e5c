#pragma once

#include "base/datagrams.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace millrace::session {

/// Room for what waits at a socket of KCP, read in batches. One owner.
class DatagramBatch {
public:
    static constexpr std::size_t datagram_max = 1'500;   ///< longer ones are none of KCP's
    static constexpr std::size_t batch_size = 32;
    static constexpr int batches_per_wake = 8;   ///< so that one socket does not keep the others waiting

    DatagramBatch() : buffer_(batch_size * datagram_max) {
        for (std::size_t i = 0; i < batch_size; ++i) {
            batch_[i].buffer = std::span{buffer_}.subspan(i * datagram_max, datagram_max);
        }
    }
    DatagramBatch(const DatagramBatch&) = delete;
    DatagramBatch& operator=(const DatagramBatch&) = delete;

    /// Gives each datagram that waits to `take`, until there are none or it is another's turn. Wait for the
    /// socket again behind it.
    template <class Take>
    void read(Datagrams& socket, Take take) {
        for (int batch = 0; batch < batches_per_wake; ++batch) {
            const Result<std::size_t> count = socket.receive(batch_);
            if (!count) {
                return;
            }
            for (const Received& one : std::span{batch_}.first(*count)) {
                take(one);
            }
            if (*count < batch_.size()) {
                return;
            }
        }
    }

private:
    std::vector<std::byte> buffer_;
    std::array<Received, batch_size> batch_;
};

}   // namespace millrace::session
