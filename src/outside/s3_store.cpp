#include "outside/s3_store.hpp"

#include "base/base64.hpp"
#include "outside/digests.hpp"
#include "outside/s3_answers.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace millrace::outside {

namespace {

std::string_view text_of(std::span<const char> bytes) {
    return {bytes.data(), bytes.size()};
}

PeerAddress peer_of(const curl_sockaddr& peer) {
    if (peer.family == AF_INET) {
        sockaddr_in four{};
        std::memcpy(&four, &peer.addr, sizeof four);
        std::array<std::uint8_t, 4> ip{};
        std::memcpy(ip.data(), &four.sin_addr, ip.size());
        return PeerAddress::ipv4(ip, ntohs(four.sin_port));
    }
    sockaddr_in6 six{};
    std::memcpy(&six, &peer.addr, std::min<std::size_t>(sizeof six, peer.addrlen));
    PeerAddress::Ip ip{};
    std::memcpy(ip.data(), &six.sin6_addr, ip.size());
    return {ip, ntohs(six.sin6_port)};
}

}   // namespace

/// The callbacks of one request.
class S3Store::Call {
public:
    Call(S3Store& store, const Request& request) : store_{store}, request_{request} {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() { curl_slist_free_all(headers_); }

    Result<Answer> run();

private:
    void set_up(CURL* curl);
    void add(const std::string& header) { headers_ = curl_slist_append(headers_, header.c_str()); }
    Error failure(CURLcode code) const;

    static std::size_t take(char* bytes, std::size_t one, std::size_t count, void* self) {
        auto& call = *static_cast<Call*>(self);
        std::vector<std::byte>& body = call.answer_.body;
        const std::size_t size = one * count;
        if (size > call.request_.answer_max - body.size()) {
            call.too_much_ = true;
            return 0;
        }
        const ByteSpan piece = std::as_bytes(std::span{bytes, size});
        body.insert(body.end(), piece.begin(), piece.end());
        return size;
    }
    /// Every address is held against the rules, whatever a name led to.
    static curl_socket_t open(void* self, curlsocktype, curl_sockaddr* peer) {
        auto& call = *static_cast<Call*>(self);
        const bool ip = peer->family == AF_INET || peer->family == AF_INET6;
        if (!ip || !call.store_.place_.outgoing.allow(peer_of(*peer))) {
            call.forbidden_ = true;
            return CURL_SOCKET_BAD;
        }
        return ::socket(peer->family, peer->socktype | SOCK_CLOEXEC, peer->protocol);
    }

    S3Store& store_;
    const Request& request_;
    Answer answer_;
    curl_slist* headers_ = nullptr;
    bool too_much_ = false;
    bool forbidden_ = false;
};

void S3Store::Call::set_up(CURL* curl) {
    const archive::ObjectPlace& place = store_.place_;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, (place.endpoint + request_.address).c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, place.verify ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, place.verify ? 2L : 0L);
    if (!place.ca_file.empty()) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, place.ca_file.c_str());
    }
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms_max);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, slow_bytes);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, slow_seconds);
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, ("aws:amz:" + place.region + ":s3").c_str());
    curl_easy_setopt(curl, CURLOPT_USERNAME, place.access_key.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, place.secret_key.c_str());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Call::take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(
        curl, CURLOPT_XFERINFOFUNCTION, +[](void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
            return static_cast<Call*>(self)->store_.stopped_ ? 1 : 0;
        });
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &Call::open);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
    const std::string_view method = request_.method;
    if (method == "PUT" || method == "POST") {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                         request_.body.empty() ? "" : reinterpret_cast<const char*>(request_.body.data()));
        add("Content-Type: application/octet-stream");
        add("Content-MD5: " + encode_base64(as_bytes(text_of(md5(request_.body)))));
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request_.method);
    curl_easy_setopt(curl, CURLOPT_NOBODY, method == "HEAD" ? 1L : 0L);
    if (!request_.range.empty()) {
        curl_easy_setopt(curl, CURLOPT_RANGE, request_.range.c_str());
    }
    add("x-amz-content-sha256: " + hexadecimal(sha256(request_.body)));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_);
}

Error S3Store::Call::failure(CURLcode code) const {
    if (store_.stopped_) {
        return {Errc::cancelled, "this node stops"};
    }
    if (forbidden_) {
        return outgoing_refused;
    }
    if (too_much_) {
        return {Errc::malformed, "the bucket's server says more than was asked"};
    }
    switch (code) {
        case CURLE_OPERATION_TIMEDOUT: return {Errc::timed_out, "the bucket's server does not answer"};
        case CURLE_COULDNT_RESOLVE_HOST:
            return {Errc::timed_out, "no address is found for the host of storage.objects.endpoint"};
        case CURLE_COULDNT_CONNECT: return {Errc::timed_out, "the bucket's server cannot be reached"};
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CONNECT_ERROR:
            return {
                Errc::refused,
                "the bucket's server has no certificate that is good, or speaks no TLS; where a CA of your "
                "own signed it, name that in storage.objects.ca_file"};
        case CURLE_SSL_CACERT_BADFILE:
            return {Errc::refused, "storage.objects.ca_file cannot be read, or has no certificate (PEM)"};
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_URL_MALFORMAT:
            return {Errc::refused, "storage.objects.endpoint is no http or https address"};
        default: return {Errc::closed, "the connection to the bucket's server broke"};
    }
}

Result<S3Store::Answer> S3Store::Call::run() {
    CURL* const curl = store_.curl_;
    if (curl == nullptr) {
        return fail(Errc::exhausted, "libcurl has no room");
    }
    set_up(curl);
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);
    if (code != CURLE_OK) {
        return std::unexpected(failure(code));
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer_.status);
    curl_off_t length = -1;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    answer_.length = length;
    curl_header* etag = nullptr;
    if (curl_easy_header(curl, "ETag", 0, CURLH_HEADER, -1, &etag) == CURLHE_OK) {
        answer_.etag = etag->value;
        std::erase(answer_.etag, '"');
    }
    constexpr long good = 200;
    constexpr long not_good = 300;
    if (answer_.status < good || answer_.status >= not_good) {
        return std::unexpected(read_error(answer_.status, answer_.text()));
    }
    return std::move(answer_);
}

archive::ObjectStore* S3Store::open(const archive::ObjectPlace& place) {
    // Once before any thread uses it; more of the same only count.
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? new S3Store{place} : nullptr;
}

S3Store::S3Store(archive::ObjectPlace place) : place_{std::move(place)}, curl_{curl_easy_init()} {
}

S3Store::~S3Store() {
    curl_easy_cleanup(curl_);
}

Result<S3Store::Answer> S3Store::ask(const Request& request) {
    Call call{*this, request};
    return call.run();
}

std::string S3Store::address_of(const std::string& name) const {
    return "/" + percent_encoded(place_.bucket, false) + "/" + percent_encoded(place_.prefix + name, true);
}

Result<> S3Store::begin(const std::string& name, std::uint64_t size) {
    if (!upload_.id.empty()) {
        // Parts that nobody needs would be paid for. Where this does not work, a rule of the bucket has to.
        (void)ask({.method = "DELETE",
                   .address = address_of(upload_.name) + "?uploadId=" + percent_encoded(upload_.id, false)});
    }
    upload_ = Upload{.name = name, .size = size};
    return {};
}

Result<> S3Store::begin_parts() {
    const Result<Answer> begun = ask({.method = "POST", .address = address_of(upload_.name) + "?uploads="});
    if (!begun) {
        return std::unexpected(begun.error());
    }
    upload_.id = element(begun->text(), "UploadId");
    return upload_.id.empty() ? fail(Errc::malformed, "what answers for the bucket does not speak S3")
                              : Result<>{};
}

Result<> S3Store::put(ByteSpan piece) {
    const bool in_parts = upload_.size > piece_size;
    if (in_parts && upload_.id.empty()) {
        if (Result<> begun = begin_parts(); !begun) {
            return begun;
        }
    }
    std::string address = address_of(upload_.name);
    if (in_parts) {
        address += fmt::format("?partNumber={}&uploadId={}", upload_.etags.size() + 1,
                               percent_encoded(upload_.id, false));
    }
    const Result<Answer> put = ask({.method = "PUT", .address = std::move(address), .body = piece});
    if (!put) {
        return std::unexpected(put.error());
    }
    upload_.digests += text_of(md5(piece));
    upload_.etags.push_back(put->etag);
    return {};
}

Result<> S3Store::end_parts() {
    std::string document = "<CompleteMultipartUpload>";
    for (std::size_t at = 0; at < upload_.etags.size(); ++at) {
        document += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>\"{}\"</ETag></Part>", at + 1,
                                upload_.etags[at]);
    }
    document += "</CompleteMultipartUpload>";
    const Result<Answer> ended =
        ask({.method = "POST",
             .address = address_of(upload_.name) + "?uploadId=" + percent_encoded(upload_.id, false),
             .body = as_bytes(document)});
    if (!ended) {
        return std::unexpected(ended.error());
    }
    upload_.id.clear();
    // It may answer 200 and find out later that it failed.
    return element(ended->text(), "ETag").empty()
               ? Result<>{fail(Errc::closed, "the bucket's server could not put the parts together")}
               : Result<>{};
}

Result<archive::ObjectStore::Arrival> S3Store::finish() {
    const bool in_parts = !upload_.id.empty();
    if (in_parts) {
        if (Result<> ended = end_parts(); !ended) {
            return std::unexpected(ended.error());
        }
    }
    const Result<Answer> there = ask({.method = "HEAD", .address = address_of(upload_.name)});
    if (!there) {
        return std::unexpected(there.error());
    }
    if (there->length < 0 || static_cast<std::uint64_t>(there->length) != upload_.size) {
        return fail(Errc::malformed, "the object in the bucket is not as long as what was put there");
    }
    // S3's ETag is the MD5 of what was put at once, and the MD5 of the parts' MD5s, unless it encrypts with
    // keys of its own.
    const std::string digest =
        in_parts ? fmt::format("{}-{}", hexadecimal(md5(as_bytes(upload_.digests))), upload_.etags.size())
                 : hexadecimal(upload_.digests);
    return there->etag == digest ? Arrival::proven : Arrival::there;
}

Result<Bytes> S3Store::read(const std::string& name, std::uint64_t offset, std::size_t size) {
    if (size == 0) {
        return Bytes{};
    }
    Result<Answer> got = ask({.address = address_of(name),
                              .range = fmt::format("{}-{}", offset, offset + size - 1),
                              .answer_max = std::max(size, document_max)});
    if (!got) {
        return std::unexpected(got.error());
    }
    constexpr long partial = 206;
    const bool whole = got->status == partial || offset == 0;
    if (!whole || got->body.size() != size) {
        return fail(Errc::malformed, "the bucket's server gives another range than was asked for");
    }
    return Bytes{std::move(got->body)};
}

Result<> S3Store::remove(const std::string& name) {
    const Result<Answer> gone = ask({.method = "DELETE", .address = address_of(name)});
    const bool was_gone = !gone && gone.error().code == Errc::not_found;
    return gone || was_gone ? Result<>{} : std::unexpected(gone.error());
}

Result<std::vector<archive::ObjectStore::Object>> S3Store::list(const std::string& after) {
    // In the order of their names, as they are signed.
    std::string address =
        fmt::format("/{}?list-type=2&max-keys={}&prefix={}", percent_encoded(place_.bucket, false), page_max,
                    percent_encoded(place_.prefix, false));
    if (!after.empty()) {
        address += "&start-after=" + percent_encoded(place_.prefix + after, false);
    }
    const Result<Answer> got = ask({.address = std::move(address)});
    return got ? read_list(got->text(), place_.prefix) : std::unexpected(got.error());
}

}   // namespace millrace::outside
