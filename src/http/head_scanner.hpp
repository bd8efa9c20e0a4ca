#pragma once
// One pass over the bytes of a head, left to right. Each step returns true, or false after noting
// why: more bytes are needed, or the head is refused. Because nothing is decided out of order, a
// head that comes byte by byte is judged exactly as one that comes at once. Private to http.

#include "http/known_fields.hpp"

#include <plimsoll/http/head.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace plimsoll::http {

// What the fields say about framing and connection, gathered while they are scanned. Views into the
// input.
struct KnownValues {
    std::size_t hosts = 0, lengths = 0, codings = 0, expects = 0;
    std::string_view host, length, coding, expect;
    bool has_close = false;
    bool has_keep_alive = false;
    bool has_foreign_upgrade = false;  // a protocol other than h2c
};

class HeadScanner {
  public:
    HeadScanner(std::string_view bytes, HeadLimits const& limits)
        : bytes_(bytes.substr(0, limits.max_head)),
          limits_(limits),
          is_cut_(bytes.size() >= limits.max_head) {}

    bool skip_empty_lines();
    bool read_token(std::string_view& token, std::size_t max);
    bool read_target(std::string_view& target);
    bool read_version(int& minor);
    bool read_reason(std::string& reason);
    // Exactly this byte.
    bool expect(char c, std::string_view what);
    bool end_line();
    // All field lines and the empty line.
    bool read_fields(Fields& fields, KnownValues& known);
    // The byte at the cursor; false without one.
    bool peek(char& c);

    void advance(std::size_t count) { at_ += count; }

    bool refuse(unsigned status, std::string message);
    [[nodiscard]] ParseProgress done() const;
    // After a false.
    [[nodiscard]] ParseProgress stopped() &&;

    [[nodiscard]] std::size_t size() const { return bytes_.size(); }

  private:
    bool more();
    bool read_field(Fields& fields, KnownValues& known);
    bool note(std::string_view name, std::string_view value, KnownValues& known);
    bool note_connection(std::string_view value, KnownValues& known);
    bool refuse_name(std::string_view name, char found);

    std::string_view bytes_;
    HeadLimits const& limits_;
    bool is_cut_;
    std::size_t at_ = 0;
    bool refused_ = false;
    Refusal refusal_;
};

// Content-Length as 1 to 19 digits, once (RFC 9112 6.2, 6.3).
bool read_length(std::string_view digits, std::uint64_t& length);

}  // namespace plimsoll::http
