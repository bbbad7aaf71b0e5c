#include "net/proxy_header.hpp"

#include <cstdint>
#include <cstdlib>

// An input is the first bytes of a connection.
namespace {

using namespace millrace;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using Kind = net::ProxyScan::Kind;
    const ByteSpan bytes = std::as_bytes(std::span{data, size});
    const auto whole = net::scan_proxy_header(bytes);
    if (!whole) {
        return 0;
    }
    if (whole->kind == Kind::incomplete) {
        require(whole->wanted > size && whole->wanted <= net::ProxyHeader::size_max);
    } else if (whole->kind == Kind::present) {
        require(whole->header.size <= size);
        // What follows a header changes nothing, and each of its cuts waits for more.
        const auto alone = net::scan_proxy_header(bytes.first(whole->header.size));
        require(alone && alone->kind == Kind::present && alone->header.source == whole->header.source);
        const auto cut = net::scan_proxy_header(bytes.first(whole->header.size - 1));
        require(cut && cut->kind == Kind::incomplete);
    }
    return 0;
}
