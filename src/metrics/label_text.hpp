#pragma once
// What may stand in a label value. Pure.

#include <string>
#include <string_view>

namespace plimsoll::metrics {

// Valid UTF-8 of at most 200 bytes: a byte that is none of it becomes U+FFFD. Prometheus drops a
// whole scrape for one bad byte. Quotes, backslashes and newlines are escaped when it is written.
std::string label_text(std::string_view value);

}  // namespace plimsoll::metrics
