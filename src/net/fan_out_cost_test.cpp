#include "base/allocations_for_tests.hpp"
#include "net/fan_out_for_tests.hpp"

namespace millrace::net {
namespace {

/// A link that takes everything, and costs next to nothing itself.
class Drain final : public Connection {
public:
    explicit Drain(std::uint64_t& writes) : writes_{writes} {}
    Result<std::size_t> try_read(std::span<std::byte> /*into*/) override {
        return fail(Errc::would_block, "nothing is said");
    }
    Result<std::size_t> try_write(std::span<const ByteSpan> slices) override {
        ++writes_;
        std::size_t size = 0;
        for (const ByteSpan slice : slices) {
            size += slice.size();
        }
        return size;
    }
    void wait_readable(Waiter* /*waiter*/) override {}
    void wait_writable(Waiter* /*waiter*/) override {}
    void close() override {}
    bool encrypted() const override { return false; }
    const Endpoint& peer() const override { return nobody_; }
    const Endpoint& local() const override { return nobody_; }

private:
    std::uint64_t& writes_;
    Endpoint nobody_;
};

/// A stream with so many viewers who are up to date.
struct Audience {
    explicit Audience(std::size_t viewers) {
        world.send('K', 8000);
        for (std::size_t i = 0; i < viewers; ++i) {
            FanOutWorld::Place& place = *world.places.emplace_back(std::make_unique<FanOutWorld::Place>());
            world.join(place, std::make_unique<Drain>(writes));
        }
        for (int i = 0; i < 4; ++i) {
            world.second();
        }
        writes = 0;
    }

    std::uint64_t writes = 0;
    FanOutWorld world;
};

constexpr int frames = 200;

/// All it takes until each viewer has the frame.
void flush(FanOutWorld& world) {
    world.publish();
    world.time.run_for(40ms);
}

std::uint64_t allocations_of(std::size_t viewers) {
    Audience audience{viewers};
    const std::uint64_t before = toys::allocations;
    for (int i = 0; i < frames; ++i) {
        audience.world.add('V', 8000);
        flush(audience.world);
    }
    const std::uint64_t taken = toys::allocations - before;
    EXPECT_EQ(audience.writes, frames * viewers);
    return taken;
}

TEST(FanOutCost, a_viewer_takes_nothing_from_the_heap_for_a_frame) {
    if (!toys::allocations_are_counted) {
        GTEST_SKIP() << "the sanitizer has the heap";
    }
    EXPECT_EQ(allocations_of(10), allocations_of(60));
}

TEST(FanOutCost, a_frame_is_one_write_a_viewer) {
    Audience audience{100};
    for (int i = 0; i < frames; ++i) {
        audience.world.add('V', 8000);
        flush(audience.world);
    }
    EXPECT_EQ(audience.writes, frames * 100U);
}

}   // namespace
}   // namespace millrace::net
