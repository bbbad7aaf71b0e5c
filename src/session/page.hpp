#pragma once

#include "base/web.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace millrace::session {

/// One file of the web page, built into the program; lives as long as it does.
struct PageFile {
    std::string_view path;   ///< "/assets/HASH/NAME", or "/list.html", "/player.html", "/demo.html"
    std::string_view type;   ///< Content-Type
    std::string_view bytes;
    std::string_view gzip;   ///< the same bytes packed (RFC 1952); empty where that gains nothing
    std::string_view hash;   ///< of the bytes, hexadecimal
};

/// What web/build.mjs built, in the library `page_files`, which only the program links; empty in a program
/// built without the page.
std::span<const PageFile> page_files();

/// What the page says of its node.
struct PageFacts {
    std::uint16_t rtmp_port = 0;        ///< 0: RTMP is off
    std::uint16_t kcp_port = 0;         ///< 0: no links come to here
    std::string kcp_fingerprint = {};   ///< of the certificate that links are shown
};

/// `/` (the list of streams), `/NAME` (the player, for every name a stream may have, there or not),
/// `/assets/…`, `/favicon.ico`, `/robots.txt`. Of a request nothing gets into an answer but how deep its path
/// is: addresses in a page are relative, and its scripts read the address. To stand behind the routes of
/// media and of the API. Copies share the answers; `files` outlive them.
std::vector<web::Route> page_routes(std::span<const PageFile> files, const PageFacts& facts);

/// `/demo`: two nodes on one page. It may also ask and play what the other one serves on this port of any
/// host. To stand before `page_routes`; `files` outlive it.
web::Route demo_page_route(std::span<const PageFile> files, std::uint16_t other_port);

}   // namespace millrace::session
