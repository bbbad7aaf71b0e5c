#pragma once

#include "net/tls.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

namespace millrace::net::testing {

/// A certificate, by default for `localhost`, 127.0.0.1 and ::1, signed by itself, and its key, in files that
/// go with it.
class Certificate {
public:
    explicit Certificate(const char* names = "DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1")
        : key_{EVP_EC_gen("P-256")}, x509_{X509_new()} {
        X509_set_version(x509_.get(), X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(x509_.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(x509_.get()), -3600);
        X509_gmtime_adj(X509_getm_notAfter(x509_.get()), 3600);
        X509_set_pubkey(x509_.get(), key_.get());
        X509_NAME* const name = X509_get_subject_name(x509_.get());
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
        X509_set_issuer_name(x509_.get(), name);
        extend(NID_subject_alt_name, names);
        extend(NID_basic_constraints, "critical,CA:TRUE");
        X509_sign(x509_.get(), key_.get(), EVP_sha256());
        write_files();
    }
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;
    ~Certificate() {
        ::unlink(files_.certificate.c_str());
        ::unlink(files_.key.c_str());
    }

    const TlsServer::Files& files() const { return files_; }
    CertificateDigest digest() const {
        CertificateDigest digest{};
        unsigned int size = digest.size();
        X509_digest(x509_.get(), EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()), &size);
        return digest;
    }

private:
    struct Free {
        void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
        void operator()(X509* x509) const { X509_free(x509); }
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    void extend(int extension, const char* value) {
        X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, nullptr, extension, value);
        X509_add_ext(x509_.get(), made, -1);
        X509_EXTENSION_free(made);
    }
    void write_files() {
        static int count = 0;
        const std::string stem = ::testing::TempDir() + "millrace_net_" + std::to_string(::getpid()) + "_" +
                                 std::to_string(++count);
        files_ = {stem + ".pem", stem + ".key"};
        const std::unique_ptr<std::FILE, Free> certificate{std::fopen(files_.certificate.c_str(), "w")};
        PEM_write_X509(certificate.get(), x509_.get());
        const std::unique_ptr<std::FILE, Free> key{std::fopen(files_.key.c_str(), "w")};
        PEM_write_PrivateKey(key.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    }

    std::unique_ptr<EVP_PKEY, Free> key_;
    std::unique_ptr<X509, Free> x509_;
    TlsServer::Files files_;
};

}   // namespace millrace::net::testing
