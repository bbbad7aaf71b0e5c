#include "base/connection.hpp"

namespace millrace {

std::string Endpoint::text() const {
    const bool bracketed = address.find(':') != std::string::npos;
    return (bracketed ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}   // namespace millrace
