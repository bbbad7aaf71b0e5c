#pragma once

#include "archive/keeper.hpp"
#include "base/web.hpp"
#include "session/desk.hpp"

#include <string>
#include <vector>

namespace millrace::session {

/// A recording as one file: what is read first, then fragment after fragment, as they lie on the disk.
struct ArchiveExport {
    struct Piece {
        std::uint64_t file = 0;
        std::uint64_t number = 0;
        std::uint64_t size = 0;
    };

    std::string stream;
    Bytes init;
    std::vector<Piece> pieces;

    std::uint64_t size() const;
    std::string tag() const;   ///< with its quotes; the same for the same bytes
};

/// What of a listing is one file: up to where coding or run change, which `whole` says.
struct ExportPlan {
    ArchiveExport file;
    bool whole = true;
};
ExportPlan plan_export(std::string stream, const archive::Listing& listing);

/// The answer that sends it: with its length, from where a Range asks; a fragment is read when the one before
/// has left, so it takes little memory however long it is. Ends early, and so is seen to be cut, where the
/// disk fails or the client takes nothing for 15 s.
web::Response send_export(Desk& desk, archive::Keeper& keeper, const web::Request& request,
                          ArchiveExport file);

}   // namespace millrace::session
