#include "http/utf8.hpp"

#include <plimsoll/http/reply.hpp>

#include <algorithm>
#include <chrono>

namespace plimsoll::http {

namespace {

std::string_view openai_type(unsigned status) {
    switch (status) {
        case 400:
            return "invalid_request_error";
        case 401:
            return "authentication_error";
        case 403:
            return "permission_error";
        case 404:
            return "not_found_error";
        case 429:
            return "rate_limit_error";
        default:
            return "api_error";
    }
}

std::string_view anthropic_type(unsigned status) {
    switch (status) {
        case 400:
            return "invalid_request_error";
        case 401:
            return "authentication_error";
        case 403:
            return "permission_error";
        case 404:
            return "not_found_error";
        case 429:
            return "rate_limit_error";
        case 503:
        case 529:
            return "overloaded_error";
        default:
            return "api_error";
    }
}

std::string error_body(
    Dialect dialect, unsigned status, std::string_view message, std::string_view request_id
) {
    auto const text = json_quote(message);
    std::string body;
    switch (dialect) {
        case Dialect::OpenAi:
            body.append(R"({"error":{"message":)").append(text).append(R"(,"type":")");
            body.append(openai_type(status)).append(R"(","param":null,"code":null}})");
            return body;
        case Dialect::Anthropic:
            body.append(R"({"type":"error","error":{"type":")").append(anthropic_type(status));
            body.append(R"(","message":)").append(text).append("}");
            if (!request_id.empty()) {
                body.append(R"(,"request_id":)").append(json_quote(request_id));
            }
            return body += '}';
        case Dialect::Ollama:
        case Dialect::Plimsoll:
            break;
    }
    return body.append(R"({"error":)").append(text).append("}");
}

void append_ascii(std::string& out, char c) {
    static constexpr char kHex[] = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    auto const value = static_cast<unsigned char>(c);
    if (value >= 0x20) {
        out += c;
        return;
    }
    out += "\\u00";
    out += kHex[value >> 4];
    out += kHex[value & 15];
}

}  // namespace

unsigned status_of(Errc code) {
    switch (code) {
        case Errc::BadRequest:
            return 400;
        case Errc::Forbidden:
            return 403;
        case Errc::NotFound:
            return 404;
        case Errc::MethodNotAllowed:
            return 405;
        case Errc::TooLarge:
            return 413;
        case Errc::UnsupportedMedia:
            return 415;
        case Errc::ExpectationFailed:
            return 417;
        case Errc::Conflict:
            return 409;
        case Errc::DoesNotFit:
            return 507;
        case Errc::QueueFull:
            return 503;
        case Errc::DeadlineExceeded:
            return 504;
        case Errc::UpstreamUnavailable:
            return 502;
        case Errc::UpstreamFailed:
            return 502;
        case Errc::UpstreamProtocol:
            return 502;
        case Errc::OutOfMemory:
            return 503;
        case Errc::LoadFailed:
            return 500;
        case Errc::UnloadFailed:
            return 500;
        case Errc::Timeout:
            return 504;
        case Errc::Cancelled:
            return 499;
        case Errc::Draining:
            return 503;
        case Errc::ConnectionClosed:
            return 502;
        case Errc::Invalid:
            return 400;
        case Errc::Io:
            return 500;
        case Errc::Unsupported:
            return 501;
    }
    return 500;
}

Reply error_reply(
    Dialect dialect,
    unsigned status,
    std::string_view message,
    std::string_view request_id,
    std::optional<Duration> retry_after
) {
    Reply reply = json_reply(status, error_body(dialect, status, message, request_id));
    if (retry_after) {
        auto const seconds = std::chrono::ceil<std::chrono::seconds>(*retry_after).count();
        reply.fields.add("Retry-After", std::to_string(std::max<long long>(seconds, 1)));
    }
    return reply;
}

Reply json_reply(unsigned status, std::string body) {
    Reply reply{status, {}, std::move(body)};
    reply.fields.add("Content-Type", "application/json; charset=utf-8");
    return reply;
}

Reply text_reply(unsigned status, std::string body) {
    Reply reply{status, {}, std::move(body)};
    reply.fields.add("Content-Type", "text/plain; charset=utf-8");
    return reply;
}

std::string json_quote(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    out += '"';
    while (!text.empty()) {
        auto const size = utf8_length(text);
        auto const piece = text.substr(0, std::max<std::size_t>(size, 1));
        if (size == 1) {
            append_ascii(out, text.front());
        } else if (size == 0) {
            out += "\\ufffd";
        } else if (piece == "\xE2\x80\xA8") {  // line separators end a line in JavaScript
            out += "\\u2028";
        } else if (piece == "\xE2\x80\xA9") {
            out += "\\u2029";
        } else {
            out += piece;
        }
        text.remove_prefix(piece.size());
    }
    return out += '"';
}

}  // namespace plimsoll::http
