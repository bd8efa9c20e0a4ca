#pragma once
// Patterns with '*', as configuration and keys use them. Pure; any thread.

#include <optional>
#include <string_view>

namespace plimsoll {

// Whether the pattern is for the whole text. '*' stands for any text, an empty one too; with a
// barrier for any text without that character. All else, case too, must be equal. Time at most
// pattern x text.
bool matches_glob(
    std::string_view pattern, std::string_view text, std::optional<char> barrier = std::nullopt
);

}  // namespace plimsoll
