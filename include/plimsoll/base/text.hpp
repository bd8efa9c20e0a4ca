#pragma once
// Small functions on text. Pure; ASCII unless a name says otherwise.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll {

std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
bool iends_with(std::string_view text, std::string_view suffix);
std::vector<std::string_view> split(std::string_view text, char separator);
// Digits only, no sign; nullopt on anything else or overflow.
std::optional<std::uint64_t> parse_u64(std::string_view text);

// The candidate nearest by edit distance, if it is near enough to be a typing error (distance <=
// 1/3 of the length).
std::optional<std::string_view> nearest(
    std::string_view word, std::span<std::string_view const> candidates
);

// Makes any bytes safe for one log line or one terminal line: control characters, DEL, invalid
// UTF-8 and Unicode bidirectional controls are written as escapes; cut at max bytes with an
// ellipsis.
std::string printable(std::string_view text, std::size_t max = 512);

}  // namespace plimsoll
