#pragma once
// Text of exactly so many columns of a terminal. Pure.

#include <cstddef>
#include <string>
#include <string_view>

namespace plimsoll::app::top {

// Columns that a text of valid UTF-8 takes: two for East Asian letters and pictures, none for
// combining marks.
std::size_t columns_of(std::string_view text);

// The longest beginning that takes at most `columns`; what is cut off is shown by `mark`.
std::string cut(std::string_view text, std::size_t columns, std::string_view mark);

// Each character outside of ASCII as "?".
std::string to_ascii(std::string_view text);

}  // namespace plimsoll::app::top
