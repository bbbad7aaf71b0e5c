#include "base/hops.hpp"

#include <algorithm>

namespace millrace {

namespace {

bool is_id(std::string_view text) {
    return text.size() == Hops::id_size &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    while (text.ends_with(' ')) {
        text.remove_suffix(1);
    }
    return text;
}

}   // namespace

Hops Hops::parse(std::string_view text) {
    Hops hops;
    while (!text.empty() && hops.ids_.size() < count_max) {
        const std::size_t end = std::min(text.find(','), text.size());
        hops.add(trimmed(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return hops;
}

void Hops::add(std::string_view id) {
    if (is_id(id) && ids_.size() < count_max && !contains(id)) {
        ids_.emplace_back(id);
    }
}

void Hops::add(const Hops& others) {
    for (const std::string& id : others.ids_) {
        add(id);
    }
}

bool Hops::contains(std::string_view id) const {
    return std::ranges::find(ids_, id) != ids_.end();
}

bool Hops::meets(const Hops& others) const {
    return std::ranges::any_of(ids_, [&others](const std::string& id) { return others.contains(id); });
}

std::string Hops::text() const {
    std::string text;
    for (const std::string& id : ids_) {
        text += text.empty() ? id : ',' + id;
    }
    return text;
}

}   // namespace millrace
