#include "log/line.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <type_traits>

namespace plimsoll::log {

namespace {

constexpr std::size_t kLongestMessage =
    2048;  // bytes; an upstream's error text may be a whole stack trace
constexpr std::size_t kLongestValue = 512;

constexpr std::array<std::string_view, 4> kPlainLevels = {"DEBUG", "INFO ", "WARN ", "ERROR"};
constexpr std::array<std::string_view, 4> kJsonLevels = {"debug", "info", "warning", "error"};

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    for (char const c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    out += '"';
}

// Plain values are quoted only where key=value would be ambiguous without it.
void append_word(std::string& out, std::string_view text) {
    if (text.empty() || text.find_first_of(" \"=\\") != std::string_view::npos) {
        append_quoted(out, text);
    } else {
        out += text;
    }
}

template <class T>
std::string number(T value) {
    if constexpr (std::is_same_v<T, bool>) {
        return value ? "true" : "false";
    } else if constexpr (std::is_same_v<T, double>) {
        // Thousandths are what a person compares; the rest is noise of the conversion.
        return fmt::format("{}", std::round(value * 1000) / 1000);
    } else {
        return fmt::format("{}", value);
    }
}

void append_plain(std::string& out, Field const& field) {
    fmt::format_to(std::back_inserter(out), " {}=", printable(field.key, kLongestValue));
    std::visit(
        [&out](auto value) {
            if constexpr (std::is_same_v<decltype(value), std::string_view>) {
                append_word(out, printable(value, kLongestValue));
            } else {
                out += number(value);
            }
        },
        field.value
    );
}

void append_member(
    std::string& out, std::string_view key, std::string_view value, std::size_t max
) {
    out += ',';
    append_quoted(out, printable(key, kLongestValue));
    out += ':';
    append_quoted(out, printable(value, max));
}

void append_json(std::string& out, Field const& field) {
    std::visit(
        [&](auto value) {
            if constexpr (std::is_same_v<decltype(value), std::string_view>) {
                append_member(out, field.key, value, kLongestValue);
            } else {
                out += ',';
                append_quoted(out, printable(field.key, kLongestValue));
                out += ':';
                if constexpr (std::is_same_v<decltype(value), double>) {
                    // JSON has no word for these.
                    out += std::isfinite(value) ? number(value) : "null";
                } else {
                    out += number(value);
                }
            }
        },
        field.value
    );
}

}  // namespace

std::string plain_line(Record const& record) {
    std::string out(kPlainLevels[static_cast<std::size_t>(record.level)]);
    out += ' ';
    out += printable(record.module, kLongestValue);
    out += ": ";
    out += printable(record.message, kLongestMessage);
    for (Field const& field : record.fields) {
        append_plain(out, field);
    }
    if (!record.request.empty()) {
        out += " request=";
        append_word(out, printable(record.request, kLongestValue));
    }
    return out;
}

std::string json_line(Record const& record) {
    std::string out = "{\"level\":\"";
    out += kJsonLevels[static_cast<std::size_t>(record.level)];
    out += '"';
    append_member(out, "module", record.module, kLongestValue);
    append_member(out, "message", record.message, kLongestMessage);
    for (Field const& field : record.fields) {
        append_json(out, field);
    }
    if (!record.request.empty()) {
        append_member(out, "request", record.request, kLongestValue);
    }
    out += '}';
    return out;
}

}  // namespace plimsoll::log
