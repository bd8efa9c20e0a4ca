#include "sim/json.hpp"

#include <charconv>

namespace plimsoll::sim {

namespace {

constexpr unsigned kMaxDepth = 512;

// Adds one code point as UTF-8.
void append_utf8(std::string& out, std::uint32_t code) {
    auto const put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | (code >> 6));
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | (code >> 12));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3F));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

// A character as Go's errors show it: 'h', '\n', '\''.
std::string quoted(char c) {
    if (c == '\'') {
        return R"('\'')";
    }
    if (c == '\n') {
        return R"('\n')";
    }
    if (c == '\t') {
        return R"('\t')";
    }
    return std::string("'") + c + "'";
}

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    Result<Json> read() {
        skip_blanks();
        if (at_end()) {
            return fail(Errc::BadRequest, "EOF", ErrorSource::Client);
        }
        Json out;
        if (!value(out, 0)) {
            return fail(Errc::BadRequest, error_, ErrorSource::Client);
        }
        return out;
    }

    [[nodiscard]] std::size_t line() const { return line_; }

  private:
    [[nodiscard]] bool at_end() const { return pos_ >= text_.size(); }

    bool stop(std::string message) {
        error_ = std::move(message);
        return false;
    }

    // What stands here does not belong: the end of the text has a sentence of its own.
    bool unexpected(std::string_view context) {
        if (at_end()) {
            return stop("unexpected EOF");
        }
        return stop("invalid character " + quoted(text_[pos_]) + " " + std::string(context));
    }

    void skip_blanks() {
        while (!at_end()) {
            char const c = text_[pos_];
            if (c == '\n') {
                ++line_;
            } else if (c != ' ' && c != '\t' && c != '\r') {
                return;
            }
            ++pos_;
        }
    }

    bool value(Json& out, unsigned depth) {
        skip_blanks();
        out.line = line_;
        if (at_end()) {
            return stop("unexpected EOF");
        }
        if (depth > kMaxDepth) {
            return stop("exceeded max depth");
        }
        switch (text_[pos_]) {
            case '{':
                return object(out, depth);
            case '[':
                return array(out, depth);
            case '"':
                out.kind = Json::Kind::String;
                return string(out.text);
            case 't':
                out.boolean = true;
                out.kind = Json::Kind::Bool;
                return literal("true");
            case 'f':
                out.kind = Json::Kind::Bool;
                return literal("false");
            case 'n':
                return literal("null");
            default:
                return number(out);
        }
    }

    bool literal(std::string_view word) {
        for (std::size_t i = 0; i < word.size(); ++i, ++pos_) {
            if (at_end() || text_[pos_] != word[i]) {
                return unexpected(
                    "in literal " + std::string(word) + " (expecting " + quoted(word[i]) + ")"
                );
            }
        }
        return true;
    }

    bool digits() {
        auto const begin = pos_;
        while (!at_end() && text_[pos_] >= '0' && text_[pos_] <= '9') {
            ++pos_;
        }
        return pos_ > begin;
    }

    bool number(Json& out) {
        auto const begin = pos_;
        bool const negative = text_[pos_] == '-';
        if (negative) {
            ++pos_;
        }
        bool const zero = !at_end() && text_[pos_] == '0';
        if (zero) {
            ++pos_;
        } else if (!digits()) {
            return unexpected(negative ? "in numeric literal" : "looking for beginning of value");
        }
        if (!at_end() && text_[pos_] == '.') {
            ++pos_;
            if (!digits()) {
                return unexpected("after decimal point in numeric literal");
            }
        }
        if (!at_end() && (text_[pos_] == 'e' || text_[pos_] == 'E')) {
            ++pos_;
            if (!at_end() && (text_[pos_] == '+' || text_[pos_] == '-')) {
                ++pos_;
            }
            if (!digits()) {
                return unexpected("in exponent of numeric literal");
            }
        }
        out.kind = Json::Kind::Number;
        out.text = std::string(text_.substr(begin, pos_ - begin));
        std::from_chars(out.text.data(), out.text.data() + out.text.size(), out.number);
        return true;
    }

    bool hex4(std::uint32_t& out) {
        out = 0;
        for (int i = 0; i < 4; ++i, ++pos_) {
            char const c = at_end() ? '\0' : text_[pos_];
            std::uint32_t digit = 0;
            if (c >= '0' && c <= '9') {
                digit = static_cast<std::uint32_t>(c - '0');
            } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
                digit = static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
            } else {
                return unexpected("in \\u hexadecimal character escape");
            }
            out = out * 16 + digit;
        }
        return true;
    }

    bool unicode_escape(std::string& out) {
        std::uint32_t code = 0;
        if (!hex4(code)) {
            return false;
        }
        if (code >= 0xD800 && code < 0xDC00 && text_.substr(pos_, 2) == "\\u") {
            pos_ += 2;
            std::uint32_t low = 0;
            if (!hex4(low)) {
                return false;
            }
            if (low >= 0xDC00 && low < 0xE000) {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            } else {
                append_utf8(out, 0xFFFD);
                code = low;
            }
        }
        append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
        return true;
    }

    bool string(std::string& out) {
        ++pos_;
        while (!at_end()) {
            char const c = text_[pos_];
            if (c == '"') {
                ++pos_;
                return true;
            }
            if (static_cast<unsigned char>(c) < 0x20) {
                return unexpected("in string literal");
            }
            ++pos_;
            if (c != '\\') {
                out.push_back(c);
                continue;
            }
            if (!escape(out)) {
                return false;
            }
        }
        return stop("unexpected EOF");
    }

    bool escape(std::string& out) {
        static constexpr std::string_view kNames = "\"\\/bfnrt";
        static constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
        if (at_end()) {
            return stop("unexpected EOF");
        }
        char const c = text_[pos_];
        if (c == 'u') {
            ++pos_;
            return unicode_escape(out);
        }
        auto const which = kNames.find(c);
        if (which == std::string_view::npos) {
            return unexpected("in string escape code");
        }
        ++pos_;
        out.push_back(kBytes[which]);
        return true;
    }

    bool array(Json& out, unsigned depth) {
        out.kind = Json::Kind::Array;
        ++pos_;
        skip_blanks();
        if (!at_end() && text_[pos_] == ']') {
            ++pos_;
            return true;
        }
        while (true) {
            if (!value(out.items.emplace_back(), depth + 1)) {
                return false;
            }
            skip_blanks();
            if (at_end() || (text_[pos_] != ',' && text_[pos_] != ']')) {
                return unexpected("after array element");
            }
            if (text_[pos_++] == ']') {
                return true;
            }
        }
    }

    bool object(Json& out, unsigned depth) {
        out.kind = Json::Kind::Object;
        ++pos_;
        skip_blanks();
        if (!at_end() && text_[pos_] == '}') {
            ++pos_;
            return true;
        }
        while (true) {
            skip_blanks();
            if (at_end() || text_[pos_] != '"') {
                return unexpected("looking for beginning of object key string");
            }
            auto& member = out.members.emplace_back();
            if (!string(member.name)) {
                return false;
            }
            skip_blanks();
            if (at_end() || text_[pos_] != ':') {
                return unexpected("after object key");
            }
            ++pos_;
            if (!value(member.value, depth + 1)) {
                return false;
            }
            skip_blanks();
            if (at_end() || (text_[pos_] != ',' && text_[pos_] != '}')) {
                return unexpected("after object key:value pair");
            }
            if (text_[pos_++] == '}') {
                return true;
            }
        }
    }

    std::string_view text_;
    std::size_t pos_ = 0;
    std::size_t line_ = 1;
    std::string error_;
};

}  // namespace

Result<Json> read_json(std::string_view text, std::size_t* line_of_error) {
    Reader reader(text);
    auto out = reader.read();
    if (!out && line_of_error != nullptr) {
        *line_of_error = reader.line();
    }
    return out;
}

}  // namespace plimsoll::sim
