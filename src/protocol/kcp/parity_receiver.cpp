#include "protocol/kcp/parity_receiver.hpp"

#include "base/byte_writer.hpp"
#include "protocol/kcp/galois.hpp"

#include <algorithm>

namespace millrace::kcp {

void ParityReceiver::take(const ParityMessage& message, std::vector<Given>& out) {
    if (const auto* plain = std::get_if<PlainDatagram>(&message)) {
        out.push_back({plain->bytes});
    } else if (const auto* covered = std::get_if<CoveredDatagram>(&message)) {
        take_covered(*covered, out);
        solve(out);
    } else if (const auto* parity = std::get_if<ParityDatagram>(&message)) {
        ++counters_.parity;
        take_parity(*parity);
        solve(out);
    }
}

/// Makes room for a number that is new; says whether it is not too old.
bool ParityReceiver::advance_to(std::uint32_t number) {
    if (!first_) {
        first_ = number;
        newest_ = number - 1;
    }
    if (ahead(newest_, number) >= static_cast<std::int32_t>(kept)) {
        return false;
    }
    const std::int32_t steps = ahead(number, newest_);
    if (steps > static_cast<std::int32_t>(kept)) {
        // What lies between was never kept: another beginning.
        first_ = number;
        newest_ = number - 1;
        sums_.clear();
        places_ = {};
        losing_ = false;
    }
    while (ahead(number, newest_) > 0) {
        ++newest_;
        Place& next = place(newest_);
        next.number = newest_;
        next.known = next.arrived = false;
        next.bytes.clear();
        judge(newest_ - judged_behind);
    }
    forget_old();
    return true;
}

void ParityReceiver::judge(std::uint32_t number) {
    if (ahead(number, *first_) < 0) {
        return;
    }
    const bool arrived = place(number).number == number && place(number).arrived;
    counted_.arrived = static_cast<std::uint16_t>(counted_.arrived + (arrived ? 1 : 0));
    counted_.lost = static_cast<std::uint16_t>(counted_.lost + (arrived ? 0 : 1));
    counted_.bursts = static_cast<std::uint16_t>(counted_.bursts + (!arrived && !losing_ ? 1 : 0));
    losing_ = !arrived;
}

std::optional<ParityReport> ParityReceiver::report(Instant now) {
    if (now < report_due_ || counted_.arrived + counted_.lost == 0) {
        return std::nullopt;
    }
    report_due_ = now + report_interval;
    return std::exchange(counted_, {});
}

void ParityReceiver::take_covered(const CoveredDatagram& covered, std::vector<Given>& out) {
    // The conversation gets each once: a second would only cost an acknowledgement.
    const bool fresh = advance_to(covered.number);
    Place& own = place(covered.number);
    if (fresh && own.known) {
        own.arrived = true;
        return;
    }
    out.push_back({covered.bytes});
    if (!fresh) {
        return;
    }
    own.bytes.clear();
    own.bytes.reserve(covered.bytes.size() + 2);
    ByteWriter writer{own.bytes};
    writer.u16(static_cast<std::uint16_t>(covered.bytes.size()));
    writer.bytes(covered.bytes);
    own.arrived = true;
    learn(covered.number);
}

void ParityReceiver::take_parity(const ParityDatagram& parity) {
    if (!advance_to(parity.newest)) {
        return;
    }
    Sum sum;
    sum.bytes.assign(parity.sum.begin(), parity.sum.end());
    for (std::uint32_t number = parity.newest - parity.span + 1; ahead(parity.newest, number) >= 0;
         ++number) {
        const std::uint8_t factor = parity_factor(number, parity.newest, parity.salt);
        const Place& one = place(number);
        if (ahead(newest_, number) >= static_cast<std::int32_t>(kept)) {
            return;   // covers what is forgotten
        }
        if (one.number == number && one.known) {
            if (one.bytes.size() > sum.bytes.size()) {
                return;   // longer than the sum that should hold it
            }
            add_scaled(sum.bytes, one.bytes, factor);
        } else {
            sum.terms.push_back({number, factor});
        }
    }
    if (sum.terms.empty()) {
        ++counters_.parity_useless;
        return;
    }
    insert(std::move(sum));
}

void ParityReceiver::subtract(Sum& from, const Sum& other, std::uint8_t factor) {
    if (other.bytes.size() > from.bytes.size()) {
        from.bytes.resize(other.bytes.size());
    }
    add_scaled(from.bytes, other.bytes, factor);
    for (const Term& term : other.terms) {
        const std::uint8_t product = multiply(factor, term.factor);
        const auto same = std::ranges::find(from.terms, term.number, &Term::number);
        if (same == from.terms.end()) {
            from.terms.push_back({term.number, product});
        } else {
            same->factor = static_cast<std::uint8_t>(same->factor ^ product);
        }
    }
    std::erase_if(from.terms, [](const Term& term) { return term.factor == 0; });
}

void ParityReceiver::normalise(Sum& sum) {
    const std::uint8_t by = inverse(sum.terms.front().factor);
    std::vector<std::byte> scaled(sum.bytes.size());
    add_scaled(scaled, sum.bytes, by);
    sum.bytes = std::move(scaled);
    for (Term& term : sum.terms) {
        term.factor = multiply(term.factor, by);
    }
}

/// Gauss and Jordan, a row at a time: each row's first unknown stands in no other row.
void ParityReceiver::insert(Sum sum) {
    for (const Sum& row : sums_) {
        const auto pivot = std::ranges::find(sum.terms, row.terms.front().number, &Term::number);
        if (pivot != sum.terms.end()) {
            subtract(sum, row, pivot->factor);
        }
    }
    if (sum.terms.empty()) {
        return;   // says what others said
    }
    normalise(sum);
    for (Sum& row : sums_) {
        const auto same = std::ranges::find(row.terms, sum.terms.front().number, &Term::number);
        if (same != row.terms.end()) {
            subtract(row, sum, same->factor);
        }
    }
    if (sums_.size() == sums_max) {
        sums_.erase(sums_.begin());
    }
    sums_.push_back(std::move(sum));
}

void ParityReceiver::learn(std::uint32_t number) {
    Place& one = place(number);
    one.number = number;
    one.known = true;
    const ByteSpan bytes{one.bytes};
    std::vector<Sum> headless;
    std::erase_if(sums_, [&](Sum& row) {
        const auto term = std::ranges::find(row.terms, number, &Term::number);
        if (term == row.terms.end()) {
            return false;
        }
        const bool head = term == row.terms.begin();
        if (bytes.size() > row.bytes.size()) {
            row.bytes.resize(bytes.size());
        }
        add_scaled(row.bytes, bytes, term->factor);
        row.terms.erase(term);
        if (head && !row.terms.empty()) {
            headless.push_back(std::move(row));
        }
        return head;
    });
    for (Sum& row : headless) {
        insert(std::move(row));
    }
}

/// A row with one unknown is that unknown.
void ParityReceiver::solve(std::vector<Given>& out) {
    for (;;) {
        const auto solved = std::ranges::find(sums_, 1U, [](const Sum& row) { return row.terms.size(); });
        if (solved == sums_.end()) {
            return;
        }
        const Sum row = std::move(*solved);
        sums_.erase(solved);
        const std::uint32_t number = row.terms.front().number;
        const std::size_t length =
            static_cast<std::size_t>(row.bytes[0]) << 8U | static_cast<std::size_t>(row.bytes[1]);
        if (length + 2 > row.bytes.size()) {
            continue;   // the sum was none of these datagrams
        }
        const ByteSpan whole = ByteSpan{row.bytes}.first(length + 2);
        std::vector<std::byte>& bytes = place(number).bytes;
        bytes.assign(whole.begin(), whole.end());
        out.push_back({ByteSpan{bytes}.subspan(2), Conversation::Origin::recovered});
        ++counters_.recovered;
        learn(number);
    }
}

void ParityReceiver::forget_old() {
    std::erase_if(sums_, [this](const Sum& row) {
        return std::ranges::any_of(row.terms, [this](const Term& term) {
            return ahead(newest_, term.number) >= static_cast<std::int32_t>(kept);
        });
    });
}

}   // namespace millrace::kcp
