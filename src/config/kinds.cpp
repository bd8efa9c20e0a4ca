#include "config/kinds.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <system_error>
#include <utility>

namespace plimsoll::config {

namespace {

// For editors: looser than the readers.
constexpr char kSizePattern[] = "^ *[0-9.]+ *([kKmMgGtT]?[iI]?[bB]?) *$";

std::optional<bool> to_boolean(Value const& value) {
    if (bool const* const boolean = std::get_if<bool>(&value.data)) {
        return *boolean;
    }
    if (!value.is_untyped() || value.text() == nullptr) {
        return std::nullopt;
    }
    std::string const word = to_lower(trim(*value.text()));
    if (word == "true" || word == "1" || word == "yes" || word == "on") {
        return true;
    }
    if (word == "false" || word == "0" || word == "no" || word == "off") {
        return false;
    }
    return std::nullopt;
}

std::optional<double> to_real(Value const& value) {
    if (double const* const number = std::get_if<double>(&value.data)) {
        return *number;
    }
    if (std::int64_t const* const number = std::get_if<std::int64_t>(&value.data)) {
        return static_cast<double>(*number);
    }
    if (!value.is_untyped() || value.text() == nullptr) {
        return std::nullopt;
    }
    std::string_view const digits = trim(*value.text());
    double number = 0;
    auto const parsed = std::from_chars(digits.begin(), digits.end(), number);
    bool const is_whole_text = parsed.ec == std::errc() && parsed.ptr == digits.end();
    return is_whole_text ? std::optional(number) : std::nullopt;
}

std::string join(std::vector<std::string_view> const& words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        out += i == 0 ? "" : (i + 1 == words.size() ? " or " : ", ");
        out += '"' + std::string(words[i]) + '"';
    }
    return out;
}

std::optional<std::string> read_size(Value const& value, Bytes least, Bytes most, Bytes& out) {
    std::optional<Bytes> const bytes = to_size(value);
    if (!bytes) {
        return is_not(value, "a size") + "; write for example \"512MiB\" or \"22GiB\"";
    }
    if (*bytes < least || *bytes > most) {
        return fmt::format(
            "{} is out of range; it must be {} to {}",
            quote(value),
            format_bytes(least),
            format_bytes(most)
        );
    }
    out = *bytes;
    return std::nullopt;
}

std::optional<std::string> read_duration(
    Value const& value, Duration least, Duration most, Duration& out
) {
    std::optional<Duration> const duration = to_duration(value);
    if (!duration) {
        return is_not(value, "a duration") + "; write for example \"30s\", \"5m\" or \"1h30m\"";
    }
    if (*duration < least || *duration > most) {
        return fmt::format(
            "{} is out of range; it must be {} to {}",
            quote(value),
            format_duration(least),
            format_duration(most)
        );
    }
    out = *duration;
    return std::nullopt;
}

Form duration_form(Duration least, Duration most) {
    return {
        fmt::format("a time, {} to {}", format_duration(least), format_duration(most)),
        {{"type", {"string", "number"}},
         {"pattern", "^ *([0-9.]+ *(ns|us|µs|ms|s|m|h) *)+$"},
         {"minimum", to_seconds(least)},
         {"maximum", to_seconds(most)}}
    };
}

}  // namespace

std::string is_not(Value const& value, std::string_view what) {
    return fmt::format("{} is not {}", quote(value), what);
}

std::optional<Duration> to_duration(Value const& value) {
    if (std::string const* const text = value.text()) {
        return parse_duration(*text);
    }
    std::optional<double> const seconds = to_real(value);
    if (!seconds || !std::isfinite(*seconds) || *seconds < 0) {
        return std::nullopt;
    }
    return from_seconds(*seconds);
}

std::optional<Bytes> to_size(Value const& value) {
    if (std::string const* const text = value.text()) {
        return parse_bytes(*text);
    }
    std::int64_t const* const number = std::get_if<std::int64_t>(&value.data);
    if (number == nullptr || *number < 0) {
        return std::nullopt;
    }
    return Bytes(static_cast<std::uint64_t>(*number));
}

std::string size_literal(Bytes bytes) {
    struct Unit {
        unsigned shift;
        char const* name;
    };

    constexpr std::array kUnits = {Unit{30, "GiB"}, Unit{20, "MiB"}, Unit{10, "KiB"}};
    for (Unit const& unit : kUnits) {
        std::uint64_t const count = bytes.count() >> unit.shift;
        if (count != 0 && (count << unit.shift) == bytes.count()) {
            return fmt::format("\"{}{}\"", count, unit.name);
        }
    }
    return std::to_string(bytes.count());
}

std::string duration_literal(Duration duration) {
    struct Unit {
        std::int64_t nanoseconds;
        char const* name;
    };

    constexpr std::array kUnits = {
        Unit{3'600'000'000'000, "h"},
        Unit{60'000'000'000, "m"},
        Unit{1'000'000'000, "s"},
        Unit{1'000'000, "ms"},
        Unit{1'000, "us"}
    };
    for (Unit const& unit : kUnits) {
        if (duration.count() != 0 && duration.count() % unit.nanoseconds == 0) {
            return fmt::format("\"{}{}\"", duration.count() / unit.nanoseconds, unit.name);
        }
    }
    return fmt::format("\"{}{}\"", duration.count(), duration.count() == 0 ? "s" : "ns");
}

Kind boolean(bool& out) {
    return {
        [&out](Value const& value) -> std::optional<std::string> {
            std::optional<bool> const read = to_boolean(value);
            if (!read) {
                return is_not(value, "true or false; write one of these, without quotes");
            }
            out = *read;
            return std::nullopt;
        },
        [&out] { return out ? "true" : "false"; },
        {"true or false", {{"type", "boolean"}}},
    };
}

Kind real(double& out, double least, double most) {
    return {
        [&out, least, most](Value const& value) -> std::optional<std::string> {
            std::optional<double> const number = to_real(value);
            if (!number) {
                return is_not(value, "a number");
            }
            // Written so that NaN is out of range too.
            if (!(*number >= least && *number <= most)) {
                return fmt::format(
                    "{} is out of range; it must be {} to {}", quote(value), least, most
                );
            }
            out = *number;
            return std::nullopt;
        },
        [&out] { return fmt::format("{}", out); },
        {fmt::format("a number, {} to {}", least, most),
         {{"type", "number"}, {"minimum", least}, {"maximum", most}}},
    };
}

Kind size(Bytes& out, Bytes least, Bytes most) {
    return {
        [&out, least, most](Value const& value) { return read_size(value, least, most, out); },
        [&out] { return size_literal(out); },
        detail::size_form(least, most),
    };
}

Kind size(std::optional<Bytes>& out, Bytes least, Bytes most) {
    return {
        [&out, least, most](Value const& value) {
            return read_size(value, least, most, out.emplace());
        },
        [&out] { return out ? std::optional(size_literal(*out)) : std::nullopt; },
        detail::size_form(least, most),
    };
}

Kind duration(Duration& out, Duration least, Duration most) {
    return {
        [&out, least, most](Value const& value) { return read_duration(value, least, most, out); },
        [&out] { return duration_literal(out); },
        duration_form(least, most),
    };
}

Kind duration(std::optional<Duration>& out, Duration least, Duration most) {
    return {
        [&out, least, most](Value const& value) {
            return read_duration(value, least, most, out.emplace());
        },
        [&out] { return out ? std::optional(duration_literal(*out)) : std::nullopt; },
        duration_form(least, most),
    };
}

Kind text(std::string& out, TextCheck check) {
    return {
        [&out, check = std::move(check)](Value const& value) -> std::optional<std::string> {
            if (value.text() == nullptr) {
                return is_not(value, "a text; write it in quotes");
            }
            if (auto wrong = check(*value.text())) {
                return is_not(value, *wrong);
            }
            out = *value.text();
            return std::nullopt;
        },
        [&out] { return toml_string(out); },
        {"a text", {{"type", "string"}}},
    };
}

Kind list(std::vector<std::string>& out, TextCheck check) {
    return {
        [&out, check = std::move(check)](Value const& value) -> std::optional<std::string> {
            std::vector<std::string> items;
            if (value.array() != nullptr) {
                for (Value const& item : *value.array()) {
                    if (item.text() == nullptr) {
                        return "the item " + is_not(item, "a text; write [\"a\", \"b\"]");
                    }
                    items.push_back(*item.text());
                }
            } else if (value.is_untyped() && value.text() != nullptr) {
                for (std::string_view const item : split(*value.text(), ',')) {
                    if (!trim(item).empty()) {
                        items.emplace_back(trim(item));
                    }
                }
            } else {
                return is_not(value, "a list of texts; write [\"a\", \"b\"]");
            }
            for (std::string const& item : items) {
                if (auto wrong = check(item)) {
                    return fmt::format("the item \"{}\" is not {}", printable(item, 60), *wrong);
                }
            }
            out = std::move(items);
            return std::nullopt;
        },
        [&out] {
            std::string text;
            for (std::string const& item : out) {
                text += (text.empty() ? "" : ", ") + toml_string(item);
            }
            return "[" + text + "]";
        },
        {"a list of texts", {{"type", "array"}, {"items", {{"type", "string"}}}}},
    };
}

Kind text_table(std::map<std::string, std::string>& out) {
    return {
        [&out](Value const& value) -> std::optional<std::string> {
            if (value.table() == nullptr) {
                return is_not(value, "a table of texts; write { NAME = \"value\" }");
            }
            std::map<std::string, std::string> all;
            for (Member const& member : *value.table()) {
                if (member.value.text() == nullptr) {
                    return fmt::format(
                        "the value of \"{}\" is not a text; write it in quotes",
                        printable(member.key, 60)
                    );
                }
                all[member.key] = *member.value.text();
            }
            out = std::move(all);
            return std::nullopt;
        },
        [&out] {
            std::string text;
            for (auto const& [key, value] : out) {
                text += (text.empty() ? "" : ", ") + toml_string(key) + " = " + toml_string(value);
            }
            return "{ " + text + " }";
        },
        {"a table of texts", {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}}},
    };
}

Kind whole(std::optional<std::uint32_t>& out, std::uint32_t least, std::uint32_t most) {
    return {
        [&out, least, most](Value const& value) -> std::optional<std::string> {
            std::uint64_t number = 0;
            auto wrong = detail::read_whole(value, least, most, number);
            if (!wrong) {
                out = static_cast<std::uint32_t>(number);
            }
            return wrong;
        },
        [&out] { return out ? std::optional(std::to_string(*out)) : std::nullopt; },
        detail::whole_form(least, most),
    };
}

namespace detail {

Form whole_form(std::uint64_t least, std::uint64_t most) {
    return {
        fmt::format("a whole number, {} to {}", least, most),
        {{"type", "integer"}, {"minimum", least}, {"maximum", most}}
    };
}

Form size_form(Bytes least, Bytes most) {
    return {
        fmt::format("bytes, {} to {}", format_bytes(least), format_bytes(most)),
        {{"type", {"string", "integer"}},
         {"pattern", kSizePattern},
         {"minimum", least.count()},
         {"maximum", most.count()}}
    };
}

Form choice_form(std::vector<std::string_view> const& words) {
    boost::json::array all;
    for (auto const word : words) {
        all.emplace_back(word);
    }
    return {join(words), {{"enum", std::move(all)}}};
}

std::optional<std::string> read_whole(
    Value const& value, std::uint64_t least, std::uint64_t most, std::uint64_t& out
) {
    std::optional<std::uint64_t> number;
    std::int64_t const* const typed = std::get_if<std::int64_t>(&value.data);
    if (typed != nullptr && *typed >= 0) {
        number = static_cast<std::uint64_t>(*typed);
    } else if (value.is_untyped() && value.text() != nullptr) {
        number = parse_u64(trim(*value.text()));
    }
    if (!number && typed == nullptr) {
        return is_not(value, "a whole number");
    }
    if (!number || *number < least || *number > most) {
        return fmt::format("{} is out of range; it must be {} to {}", quote(value), least, most);
    }
    out = *number;
    return std::nullopt;
}

std::optional<std::string> read_word(
    Value const& value, std::vector<std::string_view> const& words, std::size_t& index
) {
    std::string const* const text = value.text();
    for (std::size_t i = 0; text != nullptr && i < words.size(); ++i) {
        if (iequals(trim(*text), words[i])) {
            index = i;
            return std::nullopt;
        }
    }
    std::string wrong = is_not(value, join(words));
    if (text != nullptr) {
        if (auto const near = nearest(*text, words)) {
            wrong += fmt::format("; did you mean \"{}\"?", *near);
        }
    }
    return wrong;
}

}  // namespace detail

}  // namespace plimsoll::config
