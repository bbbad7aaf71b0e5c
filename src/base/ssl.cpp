#include "base/ssl.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace millrace {

void FreeSsl::operator()(ssl_st* ssl) const {
    SSL_free(ssl);
}

void FreeSsl::operator()(ssl_ctx_st* context) const {
    SSL_CTX_free(context);
}

std::optional<CertificateDigest> digest_of(const x509_st* certificate) {
    CertificateDigest digest{};
    unsigned int size = digest.size();
    if (certificate == nullptr ||
        X509_digest(certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()), &size) != 1) {
        return std::nullopt;
    }
    return digest;
}

bool shows_pinned(x509_store_ctx_st* chain, const CertificateDigest& pin) {
    if (digest_of(X509_STORE_CTX_get0_cert(chain)) == pin) {
        return true;
    }
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
    return false;
}

}   // namespace millrace
