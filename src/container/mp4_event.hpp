#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "media/timed_message.hpp"

#include <cstdint>
#include <vector>

namespace millrace::mp4 {

/// scheme_id_uri of results: each emsg holds one JSON object.
inline constexpr std::string_view message_scheme = "urn:millrace:result";
/// And of KLV (MISB ST 1910.1).
inline constexpr std::string_view klv_scheme = "urn:misb:KLV:bin:1910.1";

/// Appends an event message box (emsg, ISO/IEC 23009-1 §5.10.3.3) up to its data, which is the
/// message's body and is to follow. Its time is that of the picture; its value says when that was captured.
void write_event_head(std::vector<std::byte>& out, const media::TimedMessage& message, std::uint32_t id);

/// The messages in boxes that stand one behind the other; other boxes and other schemes are passed over.
/// Errc::malformed.
Result<std::vector<media::TimedMessage>> read_events(ByteSpan boxes);

}   // namespace millrace::mp4
