#include "http/media_type.hpp"

#include "http/chars.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>
#include <optional>

namespace plimsoll::http {

namespace {

std::unexpected<Error> bad(std::string_view text) {
    return fail(
        Errc::BadRequest,
        "the media type \"" + printable(text, 128) + "\" is malformed",
        ErrorSource::Client
    );
}

std::size_t token_size(std::string_view text) {
    std::size_t size = 0;
    while (size < text.size() && is(text[size], kToken)) {
        ++size;
    }
    return size;
}

// Behind the opening quote. A backslash escapes only what would need it, as Go reads it: old
// browsers send file names with bare backslashes.
std::optional<std::string> take_quoted(std::string_view& rest) {
    static constexpr std::string_view kSpecials = "()<>@,;:\\\"/[]?=";
    std::string out;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        if (rest[i] == '"') {
            rest.remove_prefix(i + 1);
            return out;
        }
        bool const escapes = rest[i] == '\\' && i + 1 < rest.size() &&
                             kSpecials.find(rest[i + 1]) != std::string_view::npos;
        i += escapes ? 1U : 0U;
        out += rest[i];
    }
    return std::nullopt;
}

std::optional<std::string> take_value(std::string_view& rest) {
    if (rest.starts_with('"')) {
        rest.remove_prefix(1);
        return take_quoted(rest);
    }
    auto const size = token_size(rest);
    if (size == 0) {
        return std::nullopt;
    }
    std::string value(rest.substr(0, size));
    rest.remove_prefix(size);
    return value;
}

}  // namespace

std::string const* MediaType::find(std::string_view name) const {
    for (auto const& [key, value] : parameters) {
        if (key == name) {
            return &value;
        }
    }
    return nullptr;
}

Result<MediaType> parse_media_type(std::string_view text) {
    auto rest = text;
    MediaType out;
    auto const end = std::min(rest.find(';'), rest.size());
    out.type = to_lower(trim_blanks(rest.substr(0, end)));
    rest.remove_prefix(end);
    while (!rest.empty()) {
        rest.remove_prefix(1);  // the semicolon
        rest = trim_blanks(rest);
        if (rest.empty()) {
            break;  // a semicolon at the end is common
        }
        auto const name = to_lower(rest.substr(0, token_size(rest)));
        rest.remove_prefix(name.size());
        if (name.empty() || !rest.starts_with('=')) {
            return bad(text);
        }
        rest.remove_prefix(1);
        auto value = take_value(rest);
        rest = trim_blanks(rest);
        if (!value || out.find(name) != nullptr || !(rest.empty() || rest.starts_with(';'))) {
            return bad(text);
        }
        out.parameters.emplace_back(name, std::move(*value));
    }
    return out;
}

}  // namespace plimsoll::http
