#pragma once

#include "base/url.hpp"
#include "protocol/rtmp/client.hpp"

namespace millrace::rtmp {

/// What a client says for `rtmp://host/app/key`: the last part of the path is the key, what stands before it
/// the app; a query belongs to the key, byte for byte. RTMP has no place for a user: `user` and `pass` join
/// the query, as Millrace and others read them.
Client::Options options_for(const Url& url, Client::Role role);

}   // namespace millrace::rtmp
