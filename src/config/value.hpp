#pragma once
// A configuration as text gives it, before anybody asks what its keys mean: from TOML, environment
// and flags alike.

#include <plimsoll/config/config.hpp>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace plimsoll::config {

struct Origin {
    enum class Kind : std::uint8_t { Default, File, Environment, Flag };
    Kind kind = Kind::Default;
    std::string file;   // File only
    unsigned line = 0;  // File only
};

// "plimsoll.toml:12", "environment", "flag", "default": for comments and as the place of a problem.
std::string describe(Origin const& origin);
Problem problem_at(Origin const& origin, std::string text);

struct Member;

// In the order of the text.
using Table = std::vector<Member>;

struct Value {
    using Array = std::vector<Value>;

    struct Other {};  // dates and times: no setting of ours is one

    Origin origin;
    std::variant<bool, std::int64_t, double, std::string, Array, Table, Other> data;

    // Text from the environment or a flag stands for any type.
    [[nodiscard]] bool is_untyped() const { return origin.kind != Origin::Kind::File; }

    [[nodiscard]] std::string const* text() const { return std::get_if<std::string>(&data); }

    [[nodiscard]] Table* table() { return std::get_if<Table>(&data); }

    [[nodiscard]] Table const* table() const { return std::get_if<Table>(&data); }

    [[nodiscard]] Array* array() { return std::get_if<Array>(&data); }

    [[nodiscard]] Array const* array() const { return std::get_if<Array>(&data); }
};

struct Member {
    std::string key;
    Value value;
};

Value* find(Table& table, std::string_view key);
Value const* find(Table const& table, std::string_view key);
// Replaces or appends.
void set(Table& table, std::string_view key, Value value);

// As it would stand in a file, shortened: for messages.
std::string quote(Value const& value);
// A TOML string.
std::string toml_string(std::string_view text);

// One problem at most: a text that is not TOML has no second one worth reading.
std::expected<Table, Problem> parse_toml(std::string_view text, std::string_view file_name);

}  // namespace plimsoll::config
