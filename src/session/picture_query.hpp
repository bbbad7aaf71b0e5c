#pragma once

#include "base/web.hpp"
#include "hub/renderer.hpp"

namespace millrace::session {

/// Sides of pictures that a viewer may ask for.
inline constexpr unsigned picture_side_min = 16;
inline constexpr unsigned picture_side_max = 1920;

/// `size=640x360` (even numbers), `fps=1` to 60, `quality=1` to 100 of a request. Errc::malformed in words.
Result<hub::PictureWish> picture_wish_of(const web::Request& request);

}   // namespace millrace::session
