#pragma once
// Strict reading of a catalogue: the first mistake is kept with file, line and place. Private to
// the catalogue.

#include "sim/json.hpp"

#include <plimsoll/base/bytes.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::sim {

struct Complaints {
    explicit Complaints(std::string_view name) : file(name) {}

    std::string file;
    std::string first;
};

// One object or array of the file, with its path.
struct Place {
    Place(Complaints& complaints_of_file, Json const& value, std::string where)
        : complaints(&complaints_of_file), json(&value), path(std::move(where)) {}

    Complaints* complaints;
    Json const* json;
    std::string path;

    void wrong(std::string_view member, std::string_view what) const;
    // Any other member is a mistake; the nearest right one is named.
    void only(std::initializer_list<std::string_view> names) const;
    [[nodiscard]] std::optional<Place> member(std::string_view name, Json::Kind kind, bool required)
        const;
    [[nodiscard]] Place item(std::size_t index) const;

    [[nodiscard]] std::string text(std::string_view name, std::optional<std::string> otherwise = {})
        const;
    [[nodiscard]] std::string hex(std::string_view name
    ) const;  // 64 digits; derived from the path when absent
    [[nodiscard]] std::uint64_t count(
        std::string_view name, std::optional<std::uint64_t> otherwise = {}
    ) const;
    // A number of bytes, or a text as "4.5GiB".
    [[nodiscard]] Bytes bytes(std::string_view name, std::optional<Bytes> otherwise = {}) const;
    [[nodiscard]] bool flag(std::string_view name) const;
};

}  // namespace plimsoll::sim
