#pragma once

#include "container/annex_b_muxer.hpp"
#include "hub/derived_feed.hpp"
#include "protocol/ws/framed.hpp"

#include <array>
#include <string_view>

namespace millrace::session {

/// The ways bare H.264 leaves over WebSockets: our own with words, that of wfs.js, and the one of its fork
/// that writes a size before each access unit.
enum class RawH264 : std::uint8_t { own, wfs, binary };

/// The sub-protocol by which the third is asked for; binary takes any of the others' place.
inline constexpr std::array<std::string_view, 1> raw_h264_protocols{"binary"};

constexpr std::string_view name(RawH264 dialect) {
    constexpr std::array<std::string_view, 3> names{"ws-h264", "ws-wfs", "ws-h264-binary"};
    return names.at(static_cast<std::size_t>(dialect));
}

/// Pictures alone: that sound is left out is what these forms are, and no verdict.
inline hub::FlavourKey key_of(RawH264 dialect) {
    return {.form = name(dialect), .only = media::Kind::video};
}

inline hub::Flavour flavour_of(RawH264 dialect) {
    return hub::flavour_of(key_of(dialect), [dialect] {
        constexpr std::array shapes{annex_b::Shape::plain, annex_b::Shape::closed, annex_b::Shape::prefixed};
        const annex_b::Shape shape = shapes.at(static_cast<std::size_t>(dialect));
        const bool own = dialect == RawH264::own;
        return ws::Framed{annex_b::Muxer{shape}, "video/h264", own ? ws::Words::json : ws::Words::none};
    });
}

}   // namespace millrace::session
