#include "http/known_fields.hpp"

#include <plimsoll/http/head.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace plimsoll::http {

namespace {

struct Phrase {
    unsigned status;
    std::string_view text;
};

// Go's words where they differ from the RFC's, because clients see Ollama's.
constexpr std::array<Phrase, 40> kPhrases{{
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Request Entity Too Large"},
    {414, "Request URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Entity"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
}};

void append_number(std::string& out, std::uint64_t number) {
    std::array<char, 20> digits{};
    auto const result = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    out.append(digits.data(), result.ptr);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name);
    out.append(": ");
    out.append(value);
    out.append("\r\n");
}

void append_length(std::string& out, std::uint64_t length) {
    out.append("Content-Length: ");
    append_number(out, length);
    out.append("\r\n");
}

// Framing fields are only ever written from Framing, even if a caller forgot to filter the ones it
// received.
void append_fields(std::string& out, Fields const& fields, bool with_connection) {
    for (auto const field : fields) {
        switch (known_field(field.name)) {
            case KnownField::Host:
            case KnownField::ContentLength:
            case KnownField::TransferEncoding:
                break;
            case KnownField::Connection:
                if (with_connection) {
                    append_field(out, field.name, field.value);
                }
                break;
            default:
                append_field(out, field.name, field.value);
        }
    }
}

void append_response_framing(
    std::string& out, unsigned status, Framing framing, int minor_version
) {
    switch (framing.kind) {
        case Framing::Kind::Length:
            append_length(out, framing.length);
            return;
        case Framing::Kind::Chunked:
            if (minor_version > 0) {
                out.append("Transfer-Encoding: chunked\r\n");
            }
            return;
        case Framing::Kind::UntilClose:
            return;
        case Framing::Kind::None:
            break;
    }
    // RFC 9110 8.6: never with 1xx and 204; with HEAD and 304 it says what a body would have had.
    bool const forbidden = status < 200 || status == 204;
    bool const unstated =
        framing.length == Framing::kUnstated || (status == 304 && framing.length == 0);
    if (!forbidden && !unstated) {
        append_length(out, framing.length);
    }
}

}  // namespace

std::string write_request_head(
    Method method,
    std::string_view target,
    std::string_view host,
    Fields const& fields,
    Framing framing
) {
    std::string out;
    out.reserve(96 + target.size() + host.size() + fields.text_size() + 4 * fields.size());
    out.append(to_string(method));
    out += ' ';
    out.append(target);
    out.append(" HTTP/1.1\r\n");
    append_field(out, "Host", host);
    append_fields(out, fields, true);
    bool const expects_content =
        method == Method::Post || method == Method::Put || method == Method::Patch;
    if (framing.kind == Framing::Kind::Chunked) {
        out.append("Transfer-Encoding: chunked\r\n");
    } else if (framing.kind == Framing::Kind::Length) {
        append_length(out, framing.length);
    } else if (expects_content) {
        append_length(out, 0);  // RFC 9110 8.6
    }
    out.append("\r\n");
    return out;
}

std::string write_response_head(
    unsigned status,
    std::string_view reason,
    Fields const& fields,
    Framing framing,
    bool keep_alive,
    int minor_version
) {
    std::string out;
    out.reserve(128 + reason.size() + fields.text_size() + 4 * fields.size());
    // Our own version, also to a 1.0 client (RFC 9110 6.2).
    out.append("HTTP/1.1 ");
    append_number(out, status);
    out += ' ';
    out.append(reason);
    out.append("\r\n");
    append_fields(out, fields, false);
    append_response_framing(out, status, framing, minor_version);
    bool const ends_with_close = framing.kind == Framing::Kind::UntilClose ||
                                 (framing.kind == Framing::Kind::Chunked && minor_version == 0);
    if (status >= 200) {
        if (!keep_alive || ends_with_close) {
            out.append("Connection: close\r\n");
        } else if (minor_version == 0) {
            out.append("Connection: keep-alive\r\n");
        }
    }
    out.append("\r\n");
    return out;
}

std::string_view reason_phrase(unsigned status) {
    auto const* const found = std::ranges::find(kPhrases, status, &Phrase::status);
    return found == kPhrases.end() ? std::string_view("Unknown") : found->text;
}

}  // namespace plimsoll::http
