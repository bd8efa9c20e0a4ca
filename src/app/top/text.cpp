#include "app/top/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace plimsoll::app::top {
namespace {

struct Letter {
    std::size_t bytes = 1;
    char32_t code = 0;
};

// Of text that is not empty; a broken byte is a letter of its own.
Letter first_letter(std::string_view text) {
    auto const lead = static_cast<unsigned char>(text[0]);
    std::size_t const bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (bytes == 1 || bytes > text.size() || lead < 0xC0) {
        return {1, lead};
    }
    char32_t code = lead & (0xFFU >> (bytes + 1));
    for (std::size_t i = 1; i < bytes; ++i) {
        code = code << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
    }
    return {bytes, code};
}

struct Range {
    char32_t first, last;
};

// Unicode's East Asian wide and full width, in the coarse: what model names are written in.
constexpr std::array kWide = {
    Range{0x1100, 0x115F},
    Range{0x2E80, 0xA4CF},
    Range{0xAC00, 0xD7A3},
    Range{0xF900, 0xFAFF},
    Range{0xFE30, 0xFE6F},
    Range{0xFF00, 0xFF60},
    Range{0x1F300, 0x1FAFF},
    Range{0x20000, 0x3FFFD},
};

std::size_t columns_of_letter(char32_t code) {
    if ((code >= 0x300 && code <= 0x36F) || (code >= 0x200B && code <= 0x200F) || code == 0xFE0F) {
        return 0;
    }
    bool const is_wide = std::ranges::any_of(kWide, [code](Range const& range) {
        return code >= range.first && code <= range.last;
    });
    return is_wide ? 2 : 1;
}

}  // namespace

std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        auto const letter = first_letter(text);
        columns += columns_of_letter(letter.code);
        text.remove_prefix(letter.bytes);
    }
    return columns;
}

std::string cut(std::string_view text, std::size_t columns, std::string_view mark) {
    if (columns_of(text) <= columns) {
        return std::string(text);
    }
    auto const for_mark = columns_of(mark);
    if (columns <= for_mark) {
        return std::string(columns, '.');
    }
    std::string out;
    std::size_t taken = 0;
    while (!text.empty()) {
        auto const letter = first_letter(text);
        taken += columns_of_letter(letter.code);
        if (taken + for_mark > columns) {
            break;
        }
        out += text.substr(0, letter.bytes);
        text.remove_prefix(letter.bytes);
    }
    out += mark;
    out.append(columns - std::min(columns, columns_of(out)), ' ');
    return out;
}

std::string to_ascii(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        auto const letter = first_letter(text);
        out += letter.code < 0x80 ? static_cast<char>(letter.code) : '?';
        text.remove_prefix(letter.bytes);
    }
    return out;
}

}  // namespace plimsoll::app::top
