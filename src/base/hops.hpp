#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// The nodes that a stream came through, or is wanted through, by the ids that they drew when they started.
/// A relay refuses a stream that would come back to one of them.
///
///     Millrace-Hops: 0123456789abcdef,fedcba9876543210      sixteen hexadecimal digits a node
class Hops {
public:
    static constexpr std::string_view header = "Millrace-Hops";
    static constexpr std::size_t id_size = 16;
    static constexpr std::size_t count_max = 16;

    /// What is no id is passed over; of too many the first are read.
    static Hops parse(std::string_view text);
    /// One that is there already, and one too many, is not added.
    void add(std::string_view id);
    void add(const Hops& others);

    bool empty() const { return ids_.empty(); }
    bool contains(std::string_view id) const;
    bool meets(const Hops& others) const;
    std::string text() const;

    bool operator==(const Hops&) const = default;

private:
    std::vector<std::string> ids_;
};

}   // namespace millrace
