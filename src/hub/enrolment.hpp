#pragma once

#include "base/answer.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::hub {

/// What stands in front of a name in the identity by which a link shows the key of a box's token. No user is
/// called so.
inline constexpr std::string_view enrolment_prefix = "enroll:";

/// Somebody who showed the key of a box's token, and the key that it will show from now on.
struct EnrolmentWish {
    std::string name;
    std::vector<std::byte> key;
    std::string from;
};
/// How that went; words: why not.
struct EnrolmentAnswer {
    bool enrolled = false;
    std::string words;
};
/// Any thread.
using Enrol = std::function<void(EnrolmentWish wish, Reply<EnrolmentAnswer> reply)>;

}   // namespace millrace::hub
