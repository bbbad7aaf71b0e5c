#pragma once

#include "base/web.hpp"

#include <optional>

namespace millrace::http {

/// Texts below are sent as they are: gzip's own 20 bytes and a packet that is sent anyway eat what is won.
constexpr std::size_t coded_size_min = 500;

/// Whether the client takes gzip, and likes it no less than the plain form (RFC 9110 §12.5.3). A header that
/// cannot be read says no.
bool accepts_gzip(const web::Request& request);

/// RFC 1952, by zlib's quickest level. The same bytes give the same bytes. Empty where zlib has no memory.
Bytes gzip(ByteSpan bytes);

/// A 200 answer with a text (lists, JSON, pages), gzip-coded where the request takes it, with a strong ETag
/// of its own; either way it says Vary. Media, what is coded already and requests for a range stay as they
/// are. Goes before `conditional`. `kept` is where the coded body is found or put, for a text that is sent
/// many times.
web::Response encoded(const web::Request& request, web::Response response,
                      std::optional<Bytes>* kept = nullptr);

}   // namespace millrace::http
