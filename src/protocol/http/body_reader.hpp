#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "protocol/http/response_head.hpp"

#include <cstdint>

namespace millrace::http {

/// Takes a body out of its framing as the bytes come; keeps none of them.
class BodyReader {
public:
    static constexpr std::size_t chunk_line_max = 256;   ///< a chunk's size with its extensions
    static constexpr std::size_t trailers_max = 4U << 10U;

    BodyReader() = default;
    explicit BodyReader(const BodyFraming& framing);

    /// What stands at the front of some bytes.
    struct Piece {
        std::size_t used = 0;   ///< of them: framing and body together
        ByteSpan body;          ///< among the used ones
    };
    /// Goes on until there is a piece of the body, or the bytes are used up, or the body is done. Call it
    /// again with the rest.
    Result<Piece> take(ByteSpan bytes);

    bool done() const { return state_ == State::done; }
    /// The connection ended: whether the body was meant to end so.
    bool ends_with_connection() const { return state_ == State::until_close; }

private:
    enum class State : std::uint8_t { data, until_close, size, extension, size_end, data_end, trailer, done };

    Result<> step(char c);
    Result<> read_size(char c);
    Result<> begin_chunk();
    Result<> end_data(char c);
    Result<> read_trailer(char c);

    State state_ = State::done;
    bool chunked_ = false;
    std::uint64_t left_ = 0;   // of the data under way, or the size as read so far
    std::size_t line_ = 0;     // characters of the line under way
    std::size_t digits_ = 0;
    std::size_t trailers_ = 0;   // characters
};

}   // namespace millrace::http
