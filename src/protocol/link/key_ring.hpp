#pragma once

#include "base/bytes.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::link {

/// Keys by the identities whose they are.
using Keys = std::map<std::string, std::vector<std::byte>, std::less<>>;

/// The keys that a server knows its callers by; they may change while links come. One thread.
class KeyRing {
public:
    KeyRing() = default;
    explicit KeyRing(Keys keys) : keys_{std::move(keys)} {}

    /// From now on these. A link that is open stays so.
    void use(Keys keys) { keys_ = std::move(keys); }
    /// Null: nobody of that identity.
    const std::vector<std::byte>* find(std::string_view identity) const {
        const auto found = keys_.find(identity);
        return found == keys_.end() ? nullptr : &found->second;
    }

private:
    Keys keys_;
};

}   // namespace millrace::link
