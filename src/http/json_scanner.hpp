#pragma once
// A JSON reader that keeps nothing: it moves over values and says where they end, with the grammar,
// the depth limit and the error texts of Go's encoding/json, because the body goes to a Go program
// and both must agree about every byte. Iterative, constant memory. Private to http.

#include <plimsoll/http/members.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace plimsoll::http {

class JsonScanner {
  public:
    explicit JsonScanner(std::string_view text, std::size_t at = 0) : text_(text), at_(at) {}

    // Each step is false after an error; error() then has Go's text.
    bool next_token(char& c);  // skips blanks, looks at the byte after them
    // A value at the cursor inside `depth` open containers.
    bool skip_value(std::size_t depth, RawValue::Kind& kind);
    // At the opening quote. `plain`: no escapes in it.
    bool skip_string(bool& plain);
    bool refuse(char c, std::string_view context);

    [[nodiscard]] std::size_t at() const { return at_; }

    void advance() { ++at_; }

    [[nodiscard]] bool at_end() const { return at_ == text_.size(); }

    [[nodiscard]] std::string_view text() const { return text_; }

    [[nodiscard]] std::string const& error() const { return error_; }

    void skip_blanks();

  private:
    struct Stack;
    bool cut_short();
    bool skip_scalar(char c, RawValue::Kind& kind);
    bool skip_escape();
    bool skip_literal(std::string_view literal);
    bool skip_number();
    bool skip_digits(std::string_view context);
    bool peek(char& c);
    bool skip_nested(std::size_t depth);
    bool open(Stack& stack);
    bool after_value(Stack& stack);
    bool read_key();

    std::string_view text_;
    std::size_t at_;
    std::string error_;
};

// An object at the cursor, its opening brace included. `visit(key_begin, key, plain)` gets each key
// without its quotes and must move over the value (blanks skipped); it returns false after an
// error.
template <class Visit>
bool scan_object(JsonScanner& scan, Visit visit) {
    scan.advance();
    for (bool first = true;; first = false) {
        char c = 0;
        if (!scan.next_token(c)) {
            return false;
        }
        if (first && c == '}') {
            scan.advance();
            return true;
        }
        if (c != '"') {
            return scan.refuse(c, "looking for beginning of object key string");
        }
        auto const begin = scan.at();
        bool plain = false;
        if (!scan.skip_string(plain)) {
            return false;
        }
        auto const key = scan.text().substr(begin + 1, scan.at() - begin - 2);
        if (!scan.next_token(c)) {
            return false;
        }
        if (c != ':') {
            return scan.refuse(c, "after object key");
        }
        scan.advance();
        if (!scan.next_token(c) || !visit(begin, key, plain) || !scan.next_token(c)) {
            return false;
        }
        if (c != ',' && c != '}') {
            return scan.refuse(c, "after object key:value pair");
        }
        scan.advance();
        if (c == '}') {
            return true;
        }
    }
}

// What stands between the quotes of a valid string, decoded as Go does: lone surrogates and broken
// UTF-8 become U+FFFD.
std::string decode_json_string(std::string_view inside);

}  // namespace plimsoll::http
