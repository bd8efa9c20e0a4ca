#pragma once
// "type; name=value; ..." as Content-Type and Content-Disposition have it (RFC 2045 5.1, RFC 6266).
// Private to http.

#include <plimsoll/base/result.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plimsoll::http {

struct MediaType {
    std::string type;                                             // lower case
    std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case

    // nullptr: absent.
    [[nodiscard]] std::string const* find(std::string_view name) const;
};

// BadRequest for what is not of that form, and for a parameter that stands twice.
Result<MediaType> parse_media_type(std::string_view text);

}  // namespace plimsoll::http
