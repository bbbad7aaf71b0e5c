#pragma once

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

// What the sources of this folder share of OpenSSL; no header of it includes this.

namespace millrace::link {

struct Free {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(BIO_ADDR* address) const { BIO_ADDR_free(address); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <class T>
using Unique = std::unique_ptr<T, Free>;

inline Unique<BIO> reading(const std::string& text) {
    return Unique<BIO>{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

}   // namespace millrace::link
