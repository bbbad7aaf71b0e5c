#pragma once

#include "archive/object_store.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace millrace::outside {

// What an S3 server says in XML (Amazon S3 API Reference 2006-03-01), and how names stand in its addresses.
// Pure; a server is not trusted: whatever it says, what comes of it is bounded by what it said.

/// The text of the first element of that name, with its character references read (XML 1.0 §4.1, §4.6);
/// empty where there is none.
std::string element(std::string_view xml, std::string_view name);

/// ListObjectsV2: the objects of a page, without `prefix`, in the order they came. Errc::malformed: no such
/// answer.
Result<std::vector<archive::ObjectStore::Object>> read_list(std::string_view xml, std::string_view prefix);

/// An error's document and its status, as what somebody has to do about it. An answer to HEAD has no
/// document.
Error read_error(long status, std::string_view xml);

/// RFC 3986 §2.3: all but unreserved characters as %XX; '/' too, unless `path`.
std::string percent_encoded(std::string_view text, bool path);

}   // namespace millrace::outside
