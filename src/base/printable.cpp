// Text of clients and upstreams ends up in terminals and log files, where a newline forges a line,
// ESC drives the terminal and a bidirectional control shows another text than the one that is
// there.

#include <plimsoll/base/text.hpp>

#include <array>

namespace plimsoll {

namespace {

struct CodePoint {
    std::uint32_t value = 0;
    std::size_t length = 0;  // bytes; 0: not UTF-8 here
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
CodePoint decode(std::string_view text) {
    auto const byte = [&](std::size_t i) -> std::uint32_t {
        return static_cast<unsigned char>(text[i]);
    };
    std::uint32_t const first = byte(0);
    if (first < 0x80) {
        return {first, 1};
    }
    std::size_t const length = first >= 0xf0 ? 4 : (first >= 0xe0 ? 3 : 2);
    if (first < 0xc2 || first > 0xf4 || text.size() < length) {
        return {};
    }
    std::uint32_t value = first & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) {
            return {};
        }
        value = (value << 6) | (byte(i) & 0x3f);
    }
    constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
    bool const is_surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < kSmallest[length] || value > 0x10ffff || is_surrogate) {
        return {};
    }
    return {value, length};
}

bool is_harmless(std::uint32_t c) {
    bool const is_control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
    bool const is_line_end = c == 0x2028 || c == 0x2029;
    bool const is_bidi = c == 0x061c || c == 0x200e || c == 0x200f ||
                         (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
    bool const is_invisible = c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
    return !is_control && !is_line_end && !is_bidi && !is_invisible;
}

std::string hex(std::uint32_t value, unsigned digits) {
    std::string text;
    for (unsigned shift = digits * 4; shift != 0; shift -= 4) {
        text += "0123456789abcdef"[(value >> (shift - 4)) & 0xf];
    }
    return text;
}

std::string escaped(std::uint32_t c) {
    switch (c) {
        case '\n':
            return "\\n";
        case '\r':
            return "\\r";
        case '\t':
            return "\\t";
        default:
            break;
    }
    if (c < 0x80) {
        return "\\x" + hex(c, 2);
    }
    return c > 0xffff ? "\\U" + hex(c, 8) : "\\u" + hex(c, 4);
}

}  // namespace

std::string printable(std::string_view text, std::size_t max) {
    constexpr std::string_view kEllipsis = "\xe2\x80\xa6";
    std::string result;
    std::size_t cut = 0;  // where the ellipsis still fits
    while (!text.empty()) {
        CodePoint const point = decode(text);
        std::string piece;
        if (point.length == 0) {
            piece = "\\x" + hex(static_cast<unsigned char>(text.front()), 2);
        } else if (is_harmless(point.value)) {
            piece = text.substr(0, point.length);
        } else {
            piece = escaped(point.value);
        }
        if (result.size() + piece.size() > max) {
            result.resize(cut);
            return max < kEllipsis.size() ? result : result.append(kEllipsis);
        }
        result += piece;
        if (result.size() + kEllipsis.size() <= max) {
            cut = result.size();
        }
        text.remove_prefix(point.length == 0 ? 1 : point.length);
    }
    return result;
}

}  // namespace plimsoll
