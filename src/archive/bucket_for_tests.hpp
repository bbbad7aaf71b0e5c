#pragma once

#include "archive/catalogue_for_tests.hpp"
#include "archive/files_for_tests.hpp"
#include "archive/keeper.hpp"
#include "archive/object_store_for_tests.hpp"
#include "base/virtual_background.hpp"

#include <gtest/gtest.h>

namespace millrace::archive {

/// A node's archive with a second home, on a simulated disk and before a simulated bucket; it may crash.
class TwoHomes {
public:
    static constexpr std::string_view stream = "live/cam";
    static constexpr Span always{{0}, {INT64_MAX / 2}};

    explicit TwoHomes(std::string label = "test://bucket") : label_{std::move(label)} { start(); }
    ~TwoHomes() { stop(); }
    TwoHomes(const TwoHomes&) = delete;
    TwoHomes& operator=(const TwoHomes&) = delete;

    void start(bool with_bucket = true) {
        keeper.emplace(disk_, Archive::Seams{.folder = folder, .random = chance, .clock = time});
        if (with_bucket) {
            far_.emplace(bucket, prefix);
            keeper->move_to({.bucket = label_ + prefix,
                             .out = {out_, *far_},
                             .in = {in_, near_},
                             .root = prefix.empty() ? "" : label_});
        }
        if (server != nullptr) {
            writer_.emplace(*server, prefix);
            reader_.emplace(*server, prefix);
            keeper->share({.label = "test://catalogue",
                           .bucket_root = with_bucket ? label_ : "",
                           .out = {tell_, *writer_},
                           .in = {ask_, *reader_}});
        }
        keeper->use(local, in_bucket);
        keeper->open();
        time.settle();
    }
    /// What the process knew is gone.
    void stop() {
        time.settle();
        keeper.reset();
    }
    void call(std::string label) { label_ = std::move(label); }
    void run_for(Duration duration) {
        for (Duration done{}; done < duration; done += Keeper::tend_every) {
            keeper->tend();
            time.run_for(Keeper::tend_every);
        }
    }
    void use() {
        keeper->use(local, in_bucket);
        time.settle();
    }
    /// A file of so many chunks of 200 ms, five a fragment, behind the one before; whether it was taken.
    bool record(std::uint64_t chunks = 10, std::size_t size = 40) {
        auto progress = std::make_shared<Progress>();
        std::vector<BatchItem> items{BeginFile{facts(std::string{stream}), Bytes::copy("init")}};
        const std::uint64_t first = place;
        for (std::uint64_t at = 0; at < chunks; ++at) {
            PutChunk one = chunk(place++);
            one.bytes = Bytes{body(place - 1, size)};
            items.emplace_back(std::move(one));
        }
        items.emplace_back(EndFile{std::string{cause::publisher_gone}});
        const Span span{chunk(first).head.utc, chunk(place).head.utc};
        const auto taken = wait_for<bool>([&](Reply<bool> reply) {
            keeper->import(std::string{stream}, span,
                           {.stream = std::string{stream}, .items = std::move(items), .progress = progress},
                           std::move(reply));
        });
        if (taken && *taken) {
            places.push_back(first);
        }
        return taken && *taken;
    }
    template <class T>
    Result<T> wait_for(std::move_only_function<void(Reply<T>)> asked) {
        std::optional<Result<T>> got;
        Answer<T> answer{home_};
        asked(answer.reply());
        const auto take = [](Answer<T>& from, std::optional<Result<T>>& into, Executor& home) -> Task<> {
            into = co_await from.within(home.now() + 20s);
        };
        home_.run([&] { home_.tasks().spawn(take(answer, got, home_)); });
        time.settle();
        for (int step = 0; !got && step < 120; ++step) {
            run_for(Keeper::tend_every);
        }
        return got.value_or(fail(Errc::cancelled, "nothing came"));
    }
    Listing list() {
        return wait_for<Listing>(
                   [&](Reply<Listing> reply) { keeper->list(std::string{stream}, always, std::move(reply)); })
            .value_or(Listing{});
    }
    Result<Bytes> read(const FoundFragment& one, Form form = Form::chunks) {
        return wait_for<Bytes>([&](Reply<Bytes> reply) {
            form == Form::chunks
                ? keeper->read(std::string{stream}, one.file, one.fragment.number, std::move(reply))
                : keeper->read_records(std::string{stream}, one.file, one.fragment.number, std::move(reply));
        });
    }
    /// The numbers of the fragments that can be played, each as it was recorded.
    std::vector<std::uint64_t> playable() {
        std::vector<std::uint64_t> numbers;
        for (const FoundFragment& one : list().fragments) {
            const Result<Bytes> bytes = read(one);
            const std::uint64_t first = (one.fragment.number - 1000) * 5;
            bool same = bytes.has_value() && bytes->size() == 5 * 40;
            for (std::uint64_t at = 0; same && at < 5; ++at) {
                same = bytes->slice(at * 40, 40) == Bytes{body(first + at)};
            }
            if (same) {
                numbers.push_back(one.fragment.number);
            }
        }
        return numbers;
    }
    /// What was recorded and acknowledged.
    std::vector<std::uint64_t> recorded() const {
        std::vector<std::uint64_t> numbers;
        for (const std::uint64_t first : places) {
            numbers.push_back(1000 + first / 5);
            numbers.push_back(1001 + first / 5);
        }
        return numbers;
    }
    std::size_t files_here() {
        std::size_t count = 0;
        for (const std::string& name : folder.names().value()) {
            count += file_id(name) ? 1 : 0;
        }
        return count;
    }
    std::string gaps() {
        std::string text;
        for (const Gap& gap : list().gaps) {
            text += (text.empty() ? "" : ", ") + gap.cause;
        }
        return text;
    }

    VirtualTime time;
    VirtualFolder folder;
    VirtualBucket bucket;
    SeededRandom chance{7};
    Keep local{.free_min = 0};
    Keep in_bucket{};
    std::optional<Keeper> keeper;
    std::uint64_t place = 0;
    std::vector<std::uint64_t> places;   // where each file that was recorded begins
    std::string prefix;                  // of this node in the bucket, "a/": its name in the catalogue, too
    VirtualCatalogueServer* server = nullptr;

private:
    std::string label_;
    VirtualExecutor& home_ = time.add_executor();
    VirtualBackground disk_{time.add_executor(), 1024};
    VirtualBackground out_{time.add_executor()};
    VirtualBackground in_{time.add_executor()};
    VirtualBackground tell_{time.add_executor()};
    VirtualBackground ask_{time.add_executor()};
    std::optional<VirtualObjectStore> far_;
    VirtualObjectStore near_{bucket};
    std::optional<VirtualCatalogue> writer_;
    std::optional<VirtualCatalogue> reader_;
};

/// Everything leaves the disk that may.
constexpr Keep keep_nothing{.bytes_max = 0, .free_min = 0};

}   // namespace millrace::archive
