#include "protocol/link/dtls.hpp"
#include "protocol/link/openssl.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <fmt/format.h>
#include <charconv>

namespace millrace::link {

std::string text_of(const Fingerprint& fingerprint) {
    std::string text;
    for (const std::byte byte : fingerprint) {
        text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
    }
    return text;
}

std::optional<Fingerprint> fingerprint_in(std::string_view text) {
    Fingerprint read{};
    for (std::size_t i = 0; i < read.size(); ++i) {
        if (i > 0 && text.starts_with(':')) {
            text.remove_prefix(1);
        }
        unsigned byte = 0;
        const std::string_view digits = text.substr(0, 2);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
        if (error != std::errc{} || digits.size() != 2 || end != digits.data() + 2) {
            return std::nullopt;
        }
        read[i] = static_cast<std::byte>(byte);
        text.remove_prefix(2);
    }
    return text.empty() ? std::optional{read} : std::nullopt;
}

Result<Identity> make_identity(const std::string& name) {
    constexpr long validity = 20L * 365 * 24 * 3600;
    const Unique<EVP_PKEY> key{EVP_EC_gen("P-256")};
    const Unique<X509> made{X509_new()};
    const Unique<BIO> certificate_text{BIO_new(BIO_s_mem())};
    const Unique<BIO> key_text{BIO_new(BIO_s_mem())};
    if (key == nullptr || made == nullptr || certificate_text == nullptr || key_text == nullptr) {
        return fail(Errc::io, "OpenSSL made no certificate");
    }
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -24L * 3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), validity);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME* const subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made.get(), subject);
    if (X509_sign(made.get(), key.get(), EVP_sha256()) == 0 ||
        PEM_write_bio_X509(certificate_text.get(), made.get()) != 1 ||
        PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        ERR_clear_error();
        return fail(Errc::io, "OpenSSL made no certificate");
    }
    const auto text = [](BIO* from) {
        std::string all(BIO_ctrl_pending(from), '\0');
        BIO_read(from, all.data(), static_cast<int>(all.size()));
        return all;
    };
    return Identity{text(certificate_text.get()), text(key_text.get())};
}

Result<Fingerprint> fingerprint_of(const std::string& certificate) {
    // The bytes alone: to read what they say costs OpenSSL a megabyte.
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* der = nullptr;
    long size = 0;
    const bool read = PEM_read_bio(reading(certificate).get(), &name, &header, &der, &size) == 1;
    const bool is_certificate = read && std::string_view{name} == PEM_STRING_X509;
    Fingerprint digest{};
    const bool done = is_certificate && EVP_Digest(der, static_cast<std::size_t>(size),
                                                   reinterpret_cast<unsigned char*>(digest.data()), nullptr,
                                                   EVP_sha256(), nullptr) == 1;
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    ERR_clear_error();
    return done ? Result<Fingerprint>{digest} : fail(Errc::malformed, "it is no PEM certificate");
}

}   // namespace millrace::link
