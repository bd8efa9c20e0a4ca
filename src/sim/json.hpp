#pragma once
// JSON as the simulated server reads it: only the first value counts, members keep their order and
// their duplicates, and errors carry the sentences of Go's decoder. A reader of its own, so that a
// mistake in the proxy's member finder is not repeated here. Pure.

#include <plimsoll/base/result.hpp>

#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::sim {

struct JsonMember;

struct Json {
    enum class Kind : std::uint8_t { Null, Bool, Number, String, Array, Object };

    Json();
    ~Json();
    Json(Json const& other);
    Json& operator=(Json const& other);
    Json(Json&& other) noexcept;
    Json& operator=(Json&& other) noexcept;

    Kind kind = Kind::Null;
    bool boolean = false;
    double number = 0;
    std::string text;  // decoded string, or the literal of a number
    std::vector<Json> items;
    std::vector<JsonMember> members;
    std::size_t line = 1;  // where it began: for errors in catalogues

    [[nodiscard]] bool is(Kind other) const { return kind == other; }

    // An integer without fraction or exponent.
    [[nodiscard]] std::optional<std::int64_t> integer() const;
    // The last member of exactly that name; nullptr: none.
    [[nodiscard]] Json const* find(std::string_view name) const;
    // As Go finds struct fields: by Unicode case folding, the last wins. A null leaves a plain
    // member's earlier value in force, but clears one that is decoded by a method of its own
    // (keep_alive): `null_clears`.
    [[nodiscard]] Json const* find_folded(std::string_view name, bool null_clears = false) const;
    // Every member that folds to that name, in order.
    [[nodiscard]] std::vector<Json const*> all_folded(std::string_view name) const;
    // "string", "number", "bool", "array", "object": the words of Go's decoder.
    [[nodiscard]] std::string_view go_name() const;
};

struct JsonMember {
    std::string name;
    Json value;
};

// The first value of `text`. Errors: BadRequest with Go's sentence: "EOF" for nothing at all,
// "unexpected EOF", "invalid character 'h' looking for beginning of value". With `line_of_error`
// the line is told too.
Result<Json> read_json(std::string_view text, std::size_t* line_of_error = nullptr);

boost::json::value to_boost(Json const& json);

}  // namespace plimsoll::sim
