#pragma once
// Kinds of settings: how each is read from a value and written as TOML. A Kind refers to the
// variable that it was made for.

#include "config/value.hpp"

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/time.hpp>

#include <boost/json/object.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::config {

// What may be written, for the reference: in words ("a time, 10ms to 24h") and as JSON schema.
struct Form {
    std::string words;
    boost::json::object schema;
};

struct Kind {
    // What is wrong with the value, as the end of a sentence ("is not a size; write ..."); nullopt:
    // read.
    std::function<std::optional<std::string>(Value const&)> read;
    // The value as TOML; nullopt: not set.
    std::function<std::optional<std::string>()> write;
    Form form;
};

// Says what is wrong with a text; nullopt: nothing.
using TextCheck = std::function<std::optional<std::string>(std::string_view)>;

Kind boolean(bool& out);
Kind real(double& out, double least, double most);
Kind size(Bytes& out, Bytes least, Bytes most);
Kind size(std::optional<Bytes>& out, Bytes least, Bytes most);
Kind duration(Duration& out, Duration least, Duration most);
Kind duration(std::optional<Duration>& out, Duration least, Duration most);
Kind text(std::string& out, TextCheck check);
Kind list(std::vector<std::string>& out, TextCheck check);
// A table of texts: { NAME = "value" }.
Kind text_table(std::map<std::string, std::string>& out);
// A whole number, or absent.
Kind whole(std::optional<std::uint32_t>& out, std::uint32_t least, std::uint32_t most);

namespace detail {
Form whole_form(std::uint64_t least, std::uint64_t most);
Form size_form(Bytes least, Bytes most);
Form choice_form(std::vector<std::string_view> const& words);
std::optional<std::string> read_whole(
    Value const& value, std::uint64_t least, std::uint64_t most, std::uint64_t& out
);
std::optional<std::string> read_word(
    Value const& value, std::vector<std::string_view> const& words, std::size_t& index
);
}  // namespace detail

template <std::unsigned_integral T>
Kind whole(T& out, std::type_identity_t<T> least, std::type_identity_t<T> most) {
    return {
        [&out, least, most](Value const& value) -> std::optional<std::string> {
            std::uint64_t number = 0;
            auto wrong = detail::read_whole(value, least, most, number);
            if (!wrong) {
                out = static_cast<T>(number);
            }
            return wrong;
        },
        [&out] { return std::to_string(out); },
        detail::whole_form(least, most),
    };
}

// Bytes in a plain number.
template <std::unsigned_integral T>
    requires(sizeof(T) == 8)
Kind size_number(T& out, Bytes least, Bytes most) {
    return {
        [&out, least, most](Value const& value) {
            Bytes bytes;
            auto wrong = size(bytes, least, most).read(value);
            if (!wrong) {
                out = bytes.count();
            }
            return wrong;
        },
        [&out] {
            Bytes bytes(out);
            return size(bytes, {}, {}).write();
        },
        detail::size_form(least, most),
    };
}

template <class E>
struct Choice {
    std::string_view name;
    E value;
};

template <class E>
Kind choice(E& out, std::initializer_list<Choice<E>> choices) {
    std::vector<Choice<E>> const all(choices);
    std::vector<std::string_view> words;
    for (auto const& one : all) {
        words.push_back(one.name);
    }
    return {
        [&out, all, words](Value const& value) {
            std::size_t index = 0;
            auto wrong = detail::read_word(value, words, index);
            if (!wrong) {
                out = all[index].value;
            }
            return wrong;
        },
        [&out, all]() -> std::optional<std::string> {
            for (auto const& one : all) {
                if (one.value == out) {
                    return toml_string(one.name);
                }
            }
            return std::nullopt;
        },
        detail::choice_form(words),
    };
}

// Exact TOML texts: they read back as the same value.
std::string size_literal(Bytes bytes);
std::string duration_literal(Duration duration);
// A duration or size given as number or text; nullopt: neither.
std::optional<Duration> to_duration(Value const& value);
std::optional<Bytes> to_size(Value const& value);
// Quoted and unquoted as a message wants it: "\"abc\" is not a size".
std::string is_not(Value const& value, std::string_view what);

}  // namespace plimsoll::config
