#include "http/chars.hpp"
#include "http/json_scanner.hpp"
#include "http/utf8.hpp"

#include <algorithm>

namespace plimsoll::http {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

char32_t read_hex4(std::string_view digits) {
    char32_t code = 0;
    for (char const c : digits.substr(0, 4)) {
        code = code * 16 + static_cast<char32_t>(hex_value(c));
    }
    return code;
}

// At "\uXXXX"; removes it, and its second half if it is a surrogate pair.
char32_t take_unicode_escape(std::string_view& rest) {
    auto const first = read_hex4(rest.substr(2));
    rest.remove_prefix(6);
    if (first < 0xD800 || first > 0xDFFF) {
        return first;
    }
    if (first < 0xDC00 && rest.size() >= 6 && rest.starts_with("\\u")) {
        auto const second = read_hex4(rest.substr(2));
        if (second >= 0xDC00 && second <= 0xDFFF) {
            rest.remove_prefix(6);
            return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        }
    }
    return kReplacement;
}

char simple_escape(char c) {
    switch (c) {
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        default:
            return c;
    }
}

}  // namespace

std::string decode_json_string(std::string_view inside) {
    std::string out;
    out.reserve(inside.size());
    while (!inside.empty()) {
        if (inside.starts_with("\\u")) {
            append_utf8(out, take_unicode_escape(inside));
        } else if (inside.front() == '\\') {
            out += simple_escape(inside[1]);
            inside.remove_prefix(2);
        } else if (auto const size = utf8_length(inside); size > 0) {
            out.append(inside.substr(0, size));
            inside.remove_prefix(size);
        } else {
            append_utf8(out, kReplacement);
            inside.remove_prefix(1);
        }
    }
    return out;
}

}  // namespace plimsoll::http
