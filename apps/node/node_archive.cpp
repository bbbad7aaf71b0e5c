#include "apps/node/node.hpp"
#include "base/waiting.hpp"

// A node's archive: what it lies on, and what there is to see of it.

namespace millrace::apps {

void Node::ArchiveThreads::stop() {
    if (bucket) {
        bucket->stop();
    }
    if (catalogue) {
        catalogue->stop();
    }
    if (disk) {
        disk->stop();
    }
}

void Node::open_archive(Folder& folder) {
    archive_threads_.disk.emplace(1U, archive::Keeper::works_max);
    keeper_ = std::make_unique<archive::Keeper>(
        *archive_threads_.disk,
        archive::Archive::Seams{.folder = folder, .random = random_, .clock = pool_.aside().clock()});
    if (standing_->configuration.objects.is_on()) {
        archive_threads_.bucket = std::make_unique<Bucket>(standing_->configuration);
        keeper_->move_to(archive_threads_.bucket->means());
    }
    if (standing_->configuration.catalogue.is_on()) {
        archive_threads_.catalogue = std::make_unique<CatalogueEnds>(standing_->configuration);
        keeper_->share(archive_threads_.catalogue->means(
            archive_threads_.bucket ? archive_threads_.bucket->means().root : std::string{}));
    }
    keeper_->tell_numbers(directory_.last_numbers());
    keeper_->open();
    directory_.record_with(*keeper_);
    pool_.aside().post([this] { pool_.aside().tasks().spawn(tend_archive()); });
}

std::optional<control::ArchiveFacts> Node::archive_facts() const {
    if (keeper_ == nullptr) {
        return std::nullopt;
    }
    const archive::Counters& now = keeper_->counters();
    control::ArchiveFacts facts{.bytes = now.bytes,
                                .fragments = now.fragments,
                                .failures = now.failures,
                                .free_bytes = now.free_bytes,
                                .sync_us_max = now.sync_us_max,
                                .uplinked = now.uplinked,
                                .unsent_lost = now.unsent_lost,
                                .full = now.full,
                                .clock_held = now.clock_held,
                                .gaps = {},
                                .bucket = {},
                                .catalogue = {}};
    if (const archive::BucketCounters* const bucket = keeper_->bucket_counters()) {
        facts.bucket = {.moved_files = bucket->moved_files,
                        .moved_bytes = bucket->moved_bytes,
                        .waiting_files = bucket->waiting_files,
                        .waiting_bytes = bucket->waiting_bytes,
                        .failures = bucket->failures,
                        .reads = bucket->reads,
                        .read_failures = bucket->read_failures,
                        .away = bucket->away};
    }
    if (const archive::CatalogueCounters* const catalogue = keeper_->catalogue_counters()) {
        facts.catalogue = {.files = catalogue->files,
                           .failures = catalogue->failures,
                           .asked = catalogue->asked,
                           .unanswered = catalogue->unanswered,
                           .away = catalogue->away};
    }
    for (std::size_t at = 0; at < now.gaps.size(); ++at) {
        facts.gaps.emplace_back(archive::cause::all[at], now.gaps[at]);
    }
    return facts;
}

Task<> Node::tend_archive() {
    Executor& here = pool_.aside();
    for (;;) {
        co_await sleep_until(here, here.now() + archive::Keeper::tend_every);
        keeper_->tend();
    }
}

}   // namespace millrace::apps
