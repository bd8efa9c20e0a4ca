#include "http/json_scanner.hpp"

#include "http/chars.hpp"

#include <array>
#include <bit>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace plimsoll::http {

namespace {

constexpr std::size_t kMaxDepth = 10'000;  // Go's maxNestingDepth

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

constexpr bool ends_plain_run(char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

#if defined(__SSE2__)
__m128i special_bytes(char const* at) {
    auto const block = _mm_loadu_si128(reinterpret_cast<__m128i const*>(at));
    auto const quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    auto const backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    auto const control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1F)), block);
    return _mm_or_si128(_mm_or_si128(quote, backslash), control);
}
#endif

// The first quote, backslash or control byte. Prompts and images are most of a body, so this loop
// is most of the time.
char const* skip_plain_run(char const* at, char const* end) {
#if defined(__SSE2__)
    while (end - at >= 64) {
        auto const low = _mm_or_si128(special_bytes(at), special_bytes(at + 16));
        auto const high = _mm_or_si128(special_bytes(at + 32), special_bytes(at + 48));
        if (_mm_movemask_epi8(_mm_or_si128(low, high)) != 0) {
            break;
        }
        at += 64;
    }
    while (end - at >= 16) {
        auto const found = static_cast<unsigned>(_mm_movemask_epi8(special_bytes(at)));
        if (found != 0) {
            return at + std::countr_zero(found);
        }
        at += 16;
    }
#endif
    while (at != end && !ends_plain_run(*at)) {
        ++at;
    }
    return at;
}

// Go's quoteChar: the byte as if it were a code point, in single quotes.
std::string quote_char(char c) {
    static constexpr std::string_view kHex = "0123456789abcdef";
    auto const value = static_cast<unsigned char>(c);
    auto const hex = [&](std::string_view prefix) {
        return std::string("'") + std::string(prefix) + kHex[value >> 4] + kHex[value & 15] + "'";
    };
    switch (c) {
        case '\'':
            return R"('\'')";
        case '"':
            return R"('"')";
        case '\\':
            return R"('\\')";
        case '\a':
            return R"('\a')";
        case '\b':
            return R"('\b')";
        case '\f':
            return R"('\f')";
        case '\n':
            return R"('\n')";
        case '\r':
            return R"('\r')";
        case '\t':
            return R"('\t')";
        case '\v':
            return R"('\v')";
        default:
            break;
    }
    if (value < 0x20 || value == 0x7F) {
        return hex("\\x");
    }
    if (value < 0x7F) {
        return std::string("'") + c + "'";
    }
    if (value <= 0xA0 || value == 0xAD) {  // not printable in Latin-1
        return hex("\\u00");
    }
    return std::string("'") + static_cast<char>(0xC0 | (value >> 6)) +
           static_cast<char>(0x80 | (value & 0x3F)) + "'";
}

}  // namespace

// One bit for each open container of the value that is being skipped.
struct JsonScanner::Stack {
    std::array<std::uint64_t, kMaxDepth / 64 + 1> is_object;
    std::size_t depth = 0;  // containers of this value
    std::size_t limit = 0;  // how many there may be

    bool push(bool object) {
        if (depth == limit) {
            return false;
        }
        auto const bit = std::uint64_t{1} << (depth % 64);
        auto& word = is_object[depth / 64];
        word = object ? word | bit : word & ~bit;
        ++depth;
        return true;
    }

    [[nodiscard]] bool top() const {
        return (is_object[(depth - 1) / 64] >> ((depth - 1) % 64) & 1U) != 0;
    }
};

bool JsonScanner::refuse(char c, std::string_view context) {
    error_ = "invalid character " + quote_char(c) + ' ' + std::string(context);
    return false;
}

bool JsonScanner::cut_short() {
    error_ = "unexpected EOF";
    return false;
}

void JsonScanner::skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) {
        ++at_;
    }
}

bool JsonScanner::peek(char& c) {
    if (at_ == text_.size()) {
        return cut_short();
    }
    c = text_[at_];
    return true;
}

bool JsonScanner::next_token(char& c) {
    skip_blanks();
    return peek(c);
}

bool JsonScanner::skip_string(bool& plain) {
    plain = true;
    ++at_;
    for (;;) {
        auto const* const data = text_.data();
        at_ = static_cast<std::size_t>(skip_plain_run(data + at_, data + text_.size()) - data);
        char c = 0;
        if (!peek(c)) {
            return false;
        }
        if (c == '"') {
            ++at_;
            return true;
        }
        if (c != '\\') {
            return refuse(c, "in string literal");
        }
        plain = false;
        if (!skip_escape()) {
            return false;
        }
    }
}

bool JsonScanner::skip_escape() {
    ++at_;
    char c = 0;
    if (!peek(c)) {
        return false;
    }
    if (c != 'u') {
        ++at_;
        return std::string_view("bfnrt\\/\"").find(c) != std::string_view::npos ||
               refuse(c, "in string escape code");
    }
    for (int i = 0; i < 4; ++i) {
        ++at_;
        if (!peek(c)) {
            return false;
        }
        if (hex_value(c) < 0) {
            return refuse(c, "in \\u hexadecimal character escape");
        }
    }
    ++at_;
    return true;
}

bool JsonScanner::skip_literal(std::string_view literal) {
    for (char const wanted : literal) {
        char c = 0;
        if (!peek(c)) {
            return false;
        }
        if (c != wanted) {
            return refuse(
                c, "in literal " + std::string(literal) + " (expecting '" + wanted + "')"
            );
        }
        ++at_;
    }
    return true;
}

bool JsonScanner::skip_digits(std::string_view context) {
    char c = 0;
    if (!peek(c)) {
        return false;
    }
    if (!is(c, kDigit)) {
        return refuse(c, context);
    }
    while (at_ < text_.size() && is(text_[at_], kDigit)) {
        ++at_;
    }
    return true;
}

bool JsonScanner::skip_number() {
    if (text_[at_] == '-') {
        ++at_;
    }
    if (at_ < text_.size() && text_[at_] == '0') {
        ++at_;  // nothing but a point or an exponent may follow; a digit is refused by whoever
                // reads on
    } else if (!skip_digits("in numeric literal")) {
        return false;
    }
    if (at_ < text_.size() && text_[at_] == '.') {
        ++at_;
        if (!skip_digits("after decimal point in numeric literal")) {
            return false;
        }
    }
    if (at_ < text_.size() && (text_[at_] | 0x20) == 'e') {
        ++at_;
        if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) {
            ++at_;
        }
        return skip_digits("in exponent of numeric literal");
    }
    return true;
}

bool JsonScanner::skip_scalar(char c, RawValue::Kind& kind) {
    bool plain = false;
    switch (c) {
        case '"':
            kind = RawValue::Kind::String;
            return skip_string(plain);
        case 't':
            kind = RawValue::Kind::Bool;
            return skip_literal("true");
        case 'f':
            kind = RawValue::Kind::Bool;
            return skip_literal("false");
        case 'n':
            kind = RawValue::Kind::Null;
            return skip_literal("null");
        default:
            break;
    }
    if (c != '-' && !is(c, kDigit)) {
        return refuse(c, "looking for beginning of value");
    }
    kind = RawValue::Kind::Number;
    return skip_number();
}

bool JsonScanner::skip_value(std::size_t depth, RawValue::Kind& kind) {
    char c = 0;
    if (!next_token(c)) {
        return false;
    }
    if (c != '{' && c != '[') {
        return skip_scalar(c, kind);
    }
    kind = c == '{' ? RawValue::Kind::Object : RawValue::Kind::Array;
    return skip_nested(depth);
}

bool JsonScanner::read_key() {
    char c = 0;
    bool plain = false;
    if (!next_token(c)) {
        return false;
    }
    if (c != '"') {
        return refuse(c, "looking for beginning of object key string");
    }
    if (!skip_string(plain) || !next_token(c)) {
        return false;
    }
    if (c != ':') {
        return refuse(c, "after object key");
    }
    ++at_;
    return true;
}

// At an opening bracket. Leaves the cursor where the next value starts, or, for an empty container,
// behind it.
bool JsonScanner::open(Stack& stack) {
    char const bracket = text_[at_];
    bool const object = bracket == '{';
    if (!stack.push(object)) {
        return refuse(bracket, "exceeded max depth");
    }
    ++at_;
    char c = 0;
    if (!next_token(c)) {
        return false;
    }
    if (c == (object ? '}' : ']')) {
        ++at_;
        --stack.depth;
        return after_value(stack);
    }
    return !object || read_key();
}

// Behind a value: closes what ends here; stops before the next value, or behind the outermost
// container.
bool JsonScanner::after_value(Stack& stack) {
    while (stack.depth > 0) {
        bool const object = stack.top();
        char c = 0;
        if (!next_token(c)) {
            return false;
        }
        if (c == ',') {
            ++at_;
            return !object || read_key();
        }
        if (c != (object ? '}' : ']')) {
            return refuse(c, object ? "after object key:value pair" : "after array element");
        }
        ++at_;
        --stack.depth;
    }
    return true;
}

bool JsonScanner::skip_nested(std::size_t depth) {
    Stack stack;  // bits are written before they are read
    stack.limit = kMaxDepth - depth;
    if (!open(stack)) {
        return false;
    }
    while (stack.depth > 0) {
        char c = 0;
        if (!next_token(c)) {
            return false;
        }
        if (c == '{' || c == '[') {
            if (!open(stack)) {
                return false;
            }
            continue;
        }
        RawValue::Kind ignored{};
        if (!skip_scalar(c, ignored) || !after_value(stack)) {
            return false;
        }
    }
    return true;
}

}  // namespace plimsoll::http
