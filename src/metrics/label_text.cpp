#include "metrics/label_text.hpp"

#include <cstddef>
#include <cstdint>

namespace plimsoll::metrics {
namespace {

constexpr std::size_t kMost = 200;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::uint8_t byte_at(std::string_view text, std::size_t at) {
    return at < text.size() ? static_cast<std::uint8_t>(text[at]) : 0;
}

// Bytes of the character at the beginning; 0: it is none. Neither overlong forms nor surrogates.
std::size_t character_length(std::string_view text) {
    auto const first = byte_at(text, 0);
    auto const second = byte_at(text, 1);
    if (first < 0x80) {
        return 1;
    }
    std::size_t const length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    bool const is_lead = first >= 0xC2 && first <= 0xF4;
    bool const is_second = second >= (first == 0xE0   ? 0xA0
                                      : first == 0xF0 ? 0x90
                                                      : 0x80) &&
                           second <= (first == 0xED   ? 0x9F
                                      : first == 0xF4 ? 0x8F
                                                      : 0xBF);
    if (!is_lead || !is_second) {
        return 0;
    }
    for (std::size_t i = 2; i < length; ++i) {
        if ((byte_at(text, i) & 0xC0U) != 0x80) {
            return 0;
        }
    }
    return length;
}

}  // namespace

std::string label_text(std::string_view value) {
    std::string out;
    while (!value.empty()) {
        auto const length = character_length(value);
        auto const piece = length == 0 ? kReplacement : value.substr(0, length);
        if (out.size() + piece.size() > kMost) {
            break;
        }
        out += piece;
        value.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

}  // namespace plimsoll::metrics
