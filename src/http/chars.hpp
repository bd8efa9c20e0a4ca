#pragma once
// Character classes of RFC 9110 and RFC 3986 as one table of bits, and comparison of ASCII names.
// Private to http.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace plimsoll::http {

enum CharClass : std::uint8_t {
    kToken = 1,       // RFC 9110 5.6.2
    kFieldValue = 2,  // HTAB, SP, visible ASCII and obs-text: everything but control characters
    kTarget = 4,      // visible ASCII without '#', which never stands in a request target
    kPlainPath = 8,   // pchar without '%' and '.', so that a path of these needs no second look
    kPathByte = 16,   // pchar, '%' and '/': what a path on the wire may consist of (RFC 3986 3.3)
    kHostName = 32,   // unreserved: letters, digits, "-._~"
    kHexDigit = 64,
    kDigit = 128,
};

namespace detail {

constexpr bool contains(std::string_view set, char c) {
    return set.find(c) != std::string_view::npos;
}

constexpr std::uint8_t classify(unsigned value) {
    auto const c = static_cast<char>(value);
    bool const digit = value >= '0' && value <= '9';
    bool const letter = (value >= 'a' && value <= 'z') || (value >= 'A' && value <= 'Z');
    bool const hex = digit || (value >= 'a' && value <= 'f') || (value >= 'A' && value <= 'F');
    bool const visible = value > 0x20 && value < 0x7F;
    bool const pchar = digit || letter || (visible && contains("-._~!$&'()*+,;=:@", c));
    unsigned bits = 0;
    bits |= digit || letter || (visible && contains("!#$%&'*+-.^_`|~", c)) ? kToken : 0U;
    bits |= value == '\t' || value == ' ' || visible || value >= 0x80 ? kFieldValue : 0U;
    bits |= visible && c != '#' ? kTarget : 0U;
    bits |= pchar && c != '.' ? kPlainPath : 0U;
    bits |= pchar || c == '%' || c == '/' ? kPathByte : 0U;
    bits |= digit || letter || (visible && contains("-._~", c)) ? kHostName : 0U;
    bits |= hex ? kHexDigit : 0U;
    bits |= digit ? kDigit : 0U;
    return static_cast<std::uint8_t>(bits);
}

constexpr std::array<std::uint8_t, 256> make_classes() {
    std::array<std::uint8_t, 256> table{};
    for (unsigned i = 0; i < 256; ++i) {
        table[i] = classify(i);
    }
    return table;
}

inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

}  // namespace detail

constexpr bool is(char c, CharClass wanted) {
    return (detail::kClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

constexpr bool all_of_class(std::string_view text, CharClass wanted) {
    for (char const c : text) {
        if (!is(c, wanted)) {
            return false;
        }
    }
    return true;
}

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// `lowercase` is a literal in lower case.
constexpr bool is_name(std::string_view text, std::string_view lowercase) {
    if (text.size() != lowercase.size()) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (lower(text[i]) != lowercase[i]) {
            return false;
        }
    }
    return true;
}

// -1: not a hexadecimal digit.
constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char const folded = lower(c);
    return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

constexpr std::string_view trim_blanks(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

// Calls `visit` for each non-empty element of a comma separated list (RFC 9110 5.6.1).
template <class Visit>
void each_element(std::string_view list, Visit visit) {
    while (!list.empty()) {
        auto const comma = list.find(',');
        auto const element = trim_blanks(list.substr(0, comma));
        if (!element.empty()) {
            visit(element);
        }
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
}

}  // namespace plimsoll::http
