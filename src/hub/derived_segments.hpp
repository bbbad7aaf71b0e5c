#pragma once

#include "hub/packaged.hpp"
#include "hub/segment_list.hpp"
#include "media/segment.hpp"

#include <concepts>
#include <memory>
#include <utility>
#include <vector>

namespace millrace::hub {

/// What makes bytes of segments in one form. It sees each segment once, in order; one in which nothing lies
/// that it carries has no tracks, and it makes no part of it.
template <class P>
concept Packager =
    requires(P packager, const P& constant, const media::Track& track, const media::SegmentUnits& units) {
        { constant.carries(track) } -> std::same_as<bool>;
        { packager.package(units) } -> std::same_as<std::vector<media::SegmentPart>>;
    };

/// The segments of a stream in the form of packager P.
template <Packager P>
class DerivedSegments final : public Packaged {
public:
    DerivedSegments(P packager, FlavourKey key) : packager_{std::move(packager)}, key_{key} {}

    bool takes(const media::Track& track) const override {
        return packager_.carries(track) && (!key_.only || *key_.only == track.kind);
    }

private:
    std::vector<media::SegmentPart> package(const media::SegmentUnits& units) override {
        return packager_.package(units);
    }
    /// A packager may say that it takes the messages of a segment.
    bool has_words() const override {
        return requires { P::takes_messages; };
    }

    P packager_;
    FlavourKey key_;
};

/// A segmented form of packager P, made with `arguments` on the stream's home worker.
template <Packager P, class... Arguments>
SegmentFlavour segment_flavour(FlavourKey key, Arguments... arguments) {
    return {key, [key, arguments...] { return std::make_unique<DerivedSegments<P>>(P{arguments...}, key); }};
}

}   // namespace millrace::hub
