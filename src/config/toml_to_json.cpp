#include "config/value.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace plimsoll::config {

namespace {

namespace json = boost::json;

// The first value that JSON has none for.
json::value to_json(Value const& value, std::optional<Problem>& wrong) {
    if (auto const* const table = value.table()) {
        json::object out;
        for (Member const& member : *table) {
            out[member.key] = to_json(member.value, wrong);
        }
        return out;
    }
    if (auto const* const items = value.array()) {
        json::array out;
        for (Value const& item : *items) {
            out.push_back(to_json(item, wrong));
        }
        return out;
    }
    if (auto const* const text = value.text()) {
        return json::value(*text);
    }
    if (auto const* const boolean = std::get_if<bool>(&value.data)) {
        return *boolean;
    }
    if (auto const* const whole = std::get_if<std::int64_t>(&value.data)) {
        return *whole;
    }
    if (auto const* const real = std::get_if<double>(&value.data)) {
        return *real;
    }
    if (!wrong) {
        wrong = Problem{
            .file = {},
            .line = value.origin.line,
            .text = "dates and times mean nothing here; write a text in quotes",
        };
    }
    return nullptr;
}

}  // namespace

std::expected<json::value, Problem> toml_to_json(std::string_view toml) {
    auto const table = parse_toml(toml, "");
    if (!table) {
        return std::unexpected(table.error());
    }
    std::optional<Problem> wrong;
    json::object out;
    for (Member const& member : *table) {
        out[member.key] = to_json(member.value, wrong);
    }
    return wrong ? std::expected<json::value, Problem>(std::unexpected(std::move(*wrong)))
                 : std::expected<json::value, Problem>(std::move(out));
}

}  // namespace plimsoll::config
