#include "http/head_scanner.hpp"

#include "http/chars.hpp"

#include <plimsoll/base/text.hpp>

#include <charconv>
#include <utility>

namespace plimsoll::http {

bool HeadScanner::more() {
    if (!is_cut_) {
        return false;
    }
    return refuse(
        431, "the head of the message is larger than " + std::to_string(limits_.max_head) + " bytes"
    );
}

bool HeadScanner::refuse(unsigned status, std::string message) {
    refused_ = true;
    refusal_ = {status, std::move(message)};
    return false;
}

ParseProgress HeadScanner::done() const {
    return {.kind = ParseProgress::Kind::Done, .consumed = at_, .refusal = {}};
}

ParseProgress HeadScanner::stopped() && {
    if (!refused_) {
        return {};
    }
    return {.kind = ParseProgress::Kind::Refused, .consumed = 0, .refusal = std::move(refusal_)};
}

bool HeadScanner::peek(char& c) {
    if (at_ == bytes_.size()) {
        return more();
    }
    c = bytes_[at_];
    return true;
}

bool HeadScanner::expect(char wanted, std::string_view what) {
    char c = 0;
    if (!peek(c)) {
        return false;
    }
    if (c != wanted) {
        return refuse(400, std::string(what));
    }
    ++at_;
    return true;
}

bool HeadScanner::end_line() {
    // RFC 9112 2.2 lets a recipient take a bare LF for a line end; peers differ in it, so one
    // meaning needs CRLF.
    return expect('\r', "a line of the head does not end with CRLF") &&
           expect('\n', "a carriage return in the head is not followed by a line feed");
}

bool HeadScanner::skip_empty_lines() {
    for (int lines = 0;; ++lines) {
        char c = 0;
        if (!peek(c)) {
            return false;
        }
        if (c != '\r') {
            return true;
        }
        if (lines == 2) {
            return refuse(400, "more than two empty lines stand before the request line");
        }
        if (!end_line()) {
            return false;
        }
    }
}

bool HeadScanner::read_token(std::string_view& token, std::size_t max) {
    auto const begin = at_;
    while (at_ < bytes_.size() && at_ - begin <= max && is(bytes_[at_], kToken)) {
        ++at_;
    }
    token = bytes_.substr(begin, at_ - begin);
    return at_ < bytes_.size() || token.size() > max || more();
}

bool HeadScanner::read_target(std::string_view& target) {
    auto const begin = at_;
    auto const window = bytes_.substr(begin, limits_.max_target + 1);
    std::size_t size = 0;
    while (size < window.size() && is(window[size], kTarget)) {
        ++size;
    }
    if (size > limits_.max_target) {
        return refuse(
            414,
            "the request target is longer than " + std::to_string(limits_.max_target) + " bytes"
        );
    }
    at_ += size;
    target = window.substr(0, size);
    return at_ < bytes_.size() || more();
}

bool HeadScanner::read_version(int& minor) {
    static constexpr std::string_view kBad = "the HTTP version is malformed";
    for (char const c : std::string_view("HTTP/")) {
        if (!expect(c, kBad)) {
            return false;
        }
    }
    char major_digit = 0;
    char minor_digit = 0;
    if (!peek(major_digit)) {
        return false;
    }
    ++at_;
    if (!is(major_digit, kDigit)) {
        return refuse(400, std::string(kBad));
    }
    if (!expect('.', kBad) || !peek(minor_digit)) {
        return false;
    }
    ++at_;
    if (!is(minor_digit, kDigit)) {
        return refuse(400, std::string(kBad));
    }
    if (major_digit != '1' || minor_digit > '1') {
        return refuse(
            505,
            std::string("HTTP/") + major_digit + '.' + minor_digit +
                " is not spoken here; use HTTP/1.1"
        );
    }
    minor = minor_digit - '0';
    return true;
}

bool HeadScanner::read_reason(std::string& reason) {
    auto const begin = at_;
    while (at_ < bytes_.size() && is(bytes_[at_], kFieldValue)) {
        ++at_;
    }
    reason.assign(bytes_.substr(begin, at_ - begin));
    return at_ < bytes_.size() || more();
}

bool HeadScanner::read_fields(Fields& fields, KnownValues& known) {
    for (;;) {
        char c = 0;
        if (!peek(c)) {
            return false;
        }
        if (c == '\r') {
            return end_line();
        }
        if (fields.size() == limits_.max_fields) {
            return refuse(
                431, "the head has more than " + std::to_string(limits_.max_fields) + " fields"
            );
        }
        if (!read_field(fields, known)) {
            return false;
        }
    }
}

bool HeadScanner::refuse_name(std::string_view name, char found) {
    if (name.empty() && (found == ' ' || found == '\t')) {
        // RFC 9112 5.2: obs-fold. Refused, because parsers differ in what the folded value is.
        return refuse(400, "a field line starts with a blank (line folding is not accepted)");
    }
    if (found == ' ' || found == '\t') {
        return refuse(400, "a blank stands between a field name and its colon");
    }
    return refuse(400, "a field name is not a token: \"" + printable(name, 64) + "\"");
}

bool HeadScanner::read_field(Fields& fields, KnownValues& known) {
    auto const* const data = bytes_.data();
    auto const size = bytes_.size();
    auto const name_begin = at_;
    while (at_ < size && is(data[at_], kToken)) {
        ++at_;
    }
    if (at_ == size) {
        return more();
    }
    auto const name = bytes_.substr(name_begin, at_ - name_begin);
    if (data[at_] != ':' || name.empty()) {
        return refuse_name(name, data[at_]);
    }
    auto const value_begin = ++at_;
    while (at_ < size && is(data[at_], kFieldValue)) {
        ++at_;
    }
    if (at_ == size) {
        return more();
    }
    if (data[at_] != '\r') {
        return refuse(
            400, "the value of the field " + printable(name, 64) + " contains a control character"
        );
    }
    auto const value = trim_blanks(bytes_.substr(value_begin, at_ - value_begin));
    if (!end_line()) {
        return false;
    }
    fields.add(name, value);
    return note(name, value, known);
}

bool HeadScanner::note(std::string_view name, std::string_view value, KnownValues& known) {
    switch (known_field(name)) {
        case KnownField::Host:
            ++known.hosts;
            known.host = value;
            return true;
        case KnownField::ContentLength:
            ++known.lengths;
            known.length = value;
            return true;
        case KnownField::TransferEncoding:
            ++known.codings;
            known.coding = value;
            return true;
        case KnownField::Expect:
            ++known.expects;
            known.expect = value;
            return true;
        case KnownField::Upgrade:
            each_element(value, [&](std::string_view protocol) {
                known.has_foreign_upgrade |= !is_name(protocol, "h2c");
            });
            return true;
        case KnownField::Connection:
            return note_connection(value, known);
        default:
            return true;
    }
}

bool HeadScanner::note_connection(std::string_view value, KnownValues& known) {
    bool tokens = true;
    each_element(value, [&](std::string_view option) {
        known.has_close |= is_name(option, "close");
        known.has_keep_alive |= is_name(option, "keep-alive");
        tokens = tokens && all_of_class(option, kToken);
    });
    return tokens || refuse(400, "the field Connection lists something that is not a token");
}

bool read_length(std::string_view digits, std::uint64_t& length) {
    if (digits.empty() || digits.size() > 19 || !all_of_class(digits, kDigit)) {
        return false;
    }
    auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    return error == std::errc() && end == digits.data() + digits.size();
}

}  // namespace plimsoll::http
