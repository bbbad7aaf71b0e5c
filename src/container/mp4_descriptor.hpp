#pragma once

#include <cstdint>

/// Descriptors of ISO/IEC 14496-1, as far as an esds box has them.
namespace millrace::mp4 {

/// objectTypeIndication, ISO/IEC 14496-1 table 5 and the registration authority's list.
enum ObjectType : std::uint8_t { mpeg4_audio = 0x40, mpeg2_layer_3 = 0x69, mpeg1_layer_3 = 0x6B };

// ISO/IEC 14496-1 §7.2.6, each descriptor: tag u8 | size, here below 128 | body
//
//   3 ES: id u16 | flags u8 | 4 decoder: object type u8 | stream type:6 upstream:1 1:1 | buffer u24
//   max rate u32 | average rate u32 | [5 AudioSpecificConfig] | 6 SL: predefined u8 = 2
constexpr std::uint8_t es_tag = 3;
constexpr std::uint8_t decoder_tag = 4;
constexpr std::uint8_t specific_tag = 5;
constexpr std::uint8_t sl_tag = 6;

}   // namespace millrace::mp4
