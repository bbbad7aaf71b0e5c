#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// `text` with `***` for every secret that stands in it where secrets stand: `token=…`, `pass=…`,
/// `password='…'` and the like, between other parts of a query or of a path (`user=a_password=b_channel=1`),
/// the password of `scheme://user:password@host`, `"password": "…"`, our cookie, an Authorization header, a
/// password's hash.
std::string masked(std::string_view text);

}   // namespace millrace
