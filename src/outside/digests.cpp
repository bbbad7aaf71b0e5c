#include "outside/digests.hpp"

#include "base/check.hpp"

#include <openssl/evp.h>

namespace millrace::outside {

namespace {

template <std::size_t size>
std::array<char, size> digest(const EVP_MD* kind, ByteSpan bytes) {
    std::array<char, size> sum{};
    const int done = EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(sum.data()),
                                nullptr, kind, nullptr);
    check(done == 1, "OpenSSL has MD5 and SHA-256");
    return sum;
}

}   // namespace

std::array<char, 16> md5(ByteSpan bytes) {
    return digest<16>(EVP_md5(), bytes);
}

std::array<char, 32> sha256(ByteSpan bytes) {
    return digest<32>(EVP_sha256(), bytes);
}

std::string hexadecimal(std::span<const char> bytes) {
    std::string text;
    for (const char byte : bytes) {
        text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    }
    return text;
}

}   // namespace millrace::outside
