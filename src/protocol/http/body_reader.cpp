#include "protocol/http/body_reader.hpp"

#include <algorithm>

namespace millrace::http {

namespace {

constexpr std::size_t size_digits_max = 13;   // 2^52 and less

int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

constexpr auto malformed = "the answer's chunks are malformed";

}   // namespace

BodyReader::BodyReader(const BodyFraming& framing)
    : chunked_{framing.kind == BodyFraming::Kind::chunked}, left_{framing.length} {
    using Kind = BodyFraming::Kind;
    switch (framing.kind) {
        case Kind::none: state_ = State::done; break;
        case Kind::length: state_ = framing.length == 0 ? State::done : State::data; break;
        case Kind::chunked: state_ = State::size; break;
        case Kind::until_close: state_ = State::until_close; break;
    }
}

Result<BodyReader::Piece> BodyReader::take(ByteSpan bytes) {
    Piece piece;
    while (piece.used < bytes.size() && state_ != State::done) {
        const ByteSpan rest = bytes.subspan(piece.used);
        if (state_ == State::data || state_ == State::until_close) {
            const std::size_t size =
                state_ == State::until_close
                    ? rest.size()
                    : static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), left_));
            piece.body = rest.first(size);
            piece.used += size;
            if (state_ == State::data) {
                left_ -= size;
                if (left_ == 0) {
                    state_ = chunked_ ? State::data_end : State::done;
                }
            }
            return piece;
        }
        if (const auto stepped = step(static_cast<char>(rest.front())); !stepped) {
            return std::unexpected(stepped.error());
        }
        ++piece.used;
    }
    return piece;
}

// RFC 9112 §7.1:
//   chunk   = 1*HEXDIG [ ";" extension ] CRLF data CRLF
//   last    = 1*"0" [ ";" extension ] CRLF *( trailer CRLF ) CRLF
Result<> BodyReader::step(char c) {
    switch (state_) {
        case State::size:
        case State::extension:
        case State::size_end: return read_size(c);
        case State::data_end: return end_data(c);
        default: return read_trailer(c);
    }
}

Result<> BodyReader::read_size(char c) {
    if (++line_ > chunk_line_max) {
        return fail(Errc::exhausted, malformed);
    }
    if (c == '\n' && digits_ > 0) {
        return begin_chunk();
    }
    if (state_ == State::size_end) {
        return fail(Errc::malformed, malformed);
    }
    if (c == '\r') {
        state_ = State::size_end;
    } else if (state_ == State::size && (c == ';' || c == ' ' || c == '\t') && digits_ > 0) {
        state_ = State::extension;
    } else if (state_ == State::size) {
        const int digit = hex_digit(c);
        if (digit < 0 || ++digits_ > size_digits_max) {
            return fail(Errc::malformed, malformed);
        }
        left_ = left_ << 4U | static_cast<unsigned>(digit);
    }
    return {};
}

Result<> BodyReader::begin_chunk() {
    state_ = left_ == 0 ? State::trailer : State::data;
    line_ = 0;
    digits_ = 0;
    return {};
}

Result<> BodyReader::end_data(char c) {
    if (c == '\n') {
        state_ = State::size;
        line_ = 0;
    } else if (c != '\r' || ++line_ > 1) {
        return fail(Errc::malformed, malformed);
    }
    return {};
}

Result<> BodyReader::read_trailer(char c) {
    if (++trailers_ > trailers_max) {
        return fail(Errc::exhausted, "what follows the answer's chunks is too long");
    }
    if (c == '\n') {
        if (line_ == 0) {
            state_ = State::done;
        }
        line_ = 0;
    } else if (c != '\r') {
        ++line_;
    }
    return {};
}

}   // namespace millrace::http
