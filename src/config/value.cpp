#include "config/value.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace plimsoll::config {

std::string describe(Origin const& origin) {
    switch (origin.kind) {
        case Origin::Kind::Default:
            return "default";
        case Origin::Kind::Environment:
            return "environment";
        case Origin::Kind::Flag:
            return "flag";
        case Origin::Kind::File:
            break;
    }
    return fmt::format("{}:{}", origin.file, origin.line);
}

Problem problem_at(Origin const& origin, std::string text) {
    if (origin.kind == Origin::Kind::File) {
        return {.file = origin.file, .line = origin.line, .text = std::move(text)};
    }
    return {.file = describe(origin), .line = 0, .text = std::move(text)};
}

std::string to_string(Problem const& problem) {
    if (problem.line == 0) {
        return fmt::format("{}: {}", printable(problem.file), problem.text);
    }
    return fmt::format("{}:{}: {}", printable(problem.file), problem.line, problem.text);
}

Value* find(Table& table, std::string_view key) {
    auto const found = std::ranges::find(table, key, &Member::key);
    return found == table.end() ? nullptr : &found->value;
}

Value const* find(Table const& table, std::string_view key) {
    auto const found = std::ranges::find(table, key, &Member::key);
    return found == table.end() ? nullptr : &found->value;
}

void set(Table& table, std::string_view key, Value value) {
    if (Value* const old = find(table, key)) {
        *old = std::move(value);
    } else {
        table.push_back({std::string(key), std::move(value)});
    }
}

std::string toml_string(std::string_view text) {
    std::string out = "\"";
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\u{:04X}", byte);
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string quote(Value const& value) {
    return std::visit(
        [](auto const& data) -> std::string {
            using T = std::decay_t<decltype(data)>;
            if constexpr (std::is_same_v<T, std::string>) {
                return '"' + printable(data, 60) + '"';
            } else if constexpr (std::is_same_v<T, bool>) {
                return data ? "true" : "false";
            } else if constexpr (std::is_arithmetic_v<T>) {
                return fmt::format("{}", data);
            } else if constexpr (std::is_same_v<T, Value::Array>) {
                return "a list";
            } else if constexpr (std::is_same_v<T, Table>) {
                return "a table";
            } else {
                return "a date or time";
            }
        },
        value.data
    );
}

}  // namespace plimsoll::config
