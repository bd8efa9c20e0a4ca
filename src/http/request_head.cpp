#include "http/chars.hpp"
#include "http/head_scanner.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/http/head.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace plimsoll::http {

namespace {

struct MethodName {
    std::string_view name;
    Method method;
};

constexpr std::array<MethodName, 7> kMethods{{
    {"POST", Method::Post},
    {"GET", Method::Get},
    {"HEAD", Method::Head},
    {"PUT", Method::Put},
    {"PATCH", Method::Patch},
    {"DELETE", Method::Delete},
    {"OPTIONS", Method::Options},
}};

constexpr std::size_t kLongestMethod = 16;

bool read_method(HeadScanner& scan, Method& out) {
    std::string_view token;
    if (!scan.read_token(token, kLongestMethod)) {
        return false;
    }
    if (token.size() > kLongestMethod) {
        return scan.refuse(501, "the method is not known");
    }
    char next = 0;
    if (!scan.peek(next)) {
        return false;
    }
    if (token.empty() && next == '\x16') {
        return scan.refuse(400, "this port speaks plain HTTP, but the client started TLS");
    }
    if (next != ' ' || token.empty()) {
        return scan.refuse(400, "the request line does not start with a method and one space");
    }
    if (token == "PRI") {
        // The preface of HTTP/2 with prior knowledge (RFC 9113 3.4).
        return scan.refuse(400, "HTTP/2 is not spoken here; use HTTP/1.1");
    }
    for (auto const& known : kMethods) {
        if (known.name == token) {
            out = known.method;
            scan.advance(1);
            return true;
        }
    }
    return scan.refuse(501, "the method " + printable(token, 32) + " is not supported");
}

bool read_request_line(HeadScanner& scan, RequestHead& out) {
    std::string_view target;
    if (!read_method(scan, out.method) || !scan.read_target(target)) {
        return false;
    }
    if (target.empty()) {
        return scan.refuse(400, "the request line has no target after one space");
    }
    if (!scan.expect(' ', "the request target is not followed by one space and a version") ||
        !scan.read_version(out.minor_version) || !scan.end_line()) {
        return false;
    }
    out.target.assign(target);
    return true;
}

bool is_port(std::string_view text) {
    if (text.size() > 5 || !all_of_class(text, kDigit)) {
        return false;
    }
    unsigned port = 0;
    for (char const c : text) {
        port = port * 10 + static_cast<unsigned>(c - '0');
    }
    return port <= 65535;
}

// uri-host [ ":" port ] (RFC 9110 7.2), narrowed: no userinfo, no percent-encoding, no sub-delims.
// An empty host is legal, and Ollama takes it.
bool is_host(std::string_view text) {
    if (text.size() > 255 + 6) {
        return false;
    }
    std::size_t end = 0;
    if (text.starts_with('[')) {
        end = text.find(']');
        if (end == std::string_view::npos || end < 3) {
            return false;
        }
        for (char const c : text.substr(1, end - 1)) {
            if (!is(c, kHexDigit) && c != ':' && c != '.') {
                return false;
            }
        }
        ++end;
    } else {
        while (end < text.size() && is(text[end], kHostName)) {
            ++end;
        }
    }
    auto const rest = text.substr(end);
    return rest.empty() || (end > 0 && rest.front() == ':' && is_port(rest.substr(1)));
}

bool check_host(HeadScanner& scan, KnownValues const& known, RequestHead& out) {
    // RFC 9112 3.2: 400 for any 1.1 request without Host, and for any request with more than one or
    // a bad one.
    if (known.hosts > 1) {
        return scan.refuse(400, "the field Host stands more than once");
    }
    if (known.hosts == 0 && out.minor_version == 1) {
        return scan.refuse(400, "an HTTP/1.1 request needs the field Host");
    }
    if (!is_host(known.host)) {
        return scan.refuse(400, "the field Host is not a host and port");
    }
    out.host.assign(known.host);
    return true;
}

// http://authority/path to /path. Only for our own authority: this is no forward proxy.
bool reduce_absolute_form(HeadScanner& scan, KnownValues const& known, RequestHead& out) {
    std::string_view rest = out.target;
    if (istarts_with(rest, "http://")) {
        rest.remove_prefix(7);
    } else if (istarts_with(rest, "https://")) {
        rest.remove_prefix(8);
    } else {
        return scan.refuse(400, "the request target is neither a path nor an http URL");
    }
    auto const end = std::min(rest.find_first_of("/?"), rest.size());
    auto const authority = rest.substr(0, end);
    if (authority.empty() || !is_host(authority)) {
        return scan.refuse(400, "the authority in the request target is not a host and port");
    }
    if (known.hosts == 1 && !iequals(authority, known.host)) {
        return scan.refuse(400, "the authority in the request target differs from the field Host");
    }
    out.host.assign(authority);
    std::string reduced(rest.substr(end));
    if (reduced.empty() && out.method == Method::Options) {
        reduced = "*";  // RFC 9112 3.2.4
    } else if (!reduced.starts_with('/')) {
        reduced.insert(0, 1, '/');
    }
    out.target = std::move(reduced);
    return true;
}

bool split_target(HeadScanner& scan, KnownValues const& known, RequestHead& out) {
    if (out.target.front() != '/' && out.target != "*" && !reduce_absolute_form(scan, known, out)) {
        return false;
    }
    if (out.target == "*") {
        out.path = "*";
        return out.method == Method::Options ||
               scan.refuse(400, "the target * is only for OPTIONS");
    }
    std::string_view const target = out.target;
    auto const mark = target.find('?');
    out.has_query = mark != std::string_view::npos;
    if (out.has_query) {
        out.query.assign(target.substr(mark + 1));
    }
    auto result = canonical_path(target.substr(0, mark));
    if (!result) {
        return scan.refuse(400, std::move(result.error().message));
    }
    out.path = std::move(result->path);
    out.redirect_to = std::move(result->redirect_to);
    if (out.redirect_to && out.has_query) {
        *out.redirect_to += '?' + out.query;
    }
    return true;
}

bool check_framing(HeadScanner& scan, KnownValues const& known, RequestHead& out) {
    if (known.codings > 0) {
        // RFC 9112 6.1: TE in 1.0, or with CL, is refused although a recipient might guess: guesses
        // differ.
        if (out.minor_version == 0) {
            return scan.refuse(400, "Transfer-Encoding is not defined for HTTP/1.0");
        }
        if (known.lengths > 0) {
            return scan.refuse(400, "Transfer-Encoding and Content-Length stand together");
        }
        if (known.codings > 1 || known.coding.empty()) {
            return scan.refuse(400, "Transfer-Encoding must stand once, with the value chunked");
        }
        if (!is_name(known.coding, "chunked")) {
            return scan.refuse(
                501,
                "the transfer coding \"" + printable(known.coding, 64) +
                    "\" is not supported; use chunked"
            );
        }
        out.framing.kind = Framing::Kind::Chunked;
        return true;
    }
    if (known.lengths == 0) {
        return true;
    }
    if (known.lengths > 1) {
        return scan.refuse(400, "the field Content-Length stands more than once");
    }
    if (!read_length(known.length, out.framing.length)) {
        return scan.refuse(400, "the field Content-Length is not a number of 1 to 19 digits");
    }
    out.framing.kind = Framing::Kind::Length;
    return true;
}

bool check_connection(HeadScanner& scan, KnownValues const& known, RequestHead& out) {
    // h2c is offered by curl --http2 and by Java's client on every first request; RFC 9110 7.8 lets
    // us ignore the offer, and Upgrade never reaches the upstream. Any other protocol would change
    // what the bytes mean.
    if (known.has_foreign_upgrade) {
        return scan.refuse(400, "the client asks for a protocol switch, and there is none here");
    }
    if (known.expects > 1 || (known.expects == 1 && !is_name(known.expect, "100-continue"))) {
        return scan.refuse(417, "the only expectation that can be met is 100-continue");
    }
    bool const has_body = out.framing.kind == Framing::Kind::Chunked || out.framing.length > 0;
    out.expects_continue = known.expects == 1 && out.minor_version == 1 && has_body;
    out.keep_alive = !known.has_close && (out.minor_version == 1 || known.has_keep_alive);
    return true;
}

void reset(RequestHead& head) {
    head.target.clear();
    head.path.clear();
    head.query.clear();
    head.has_query = false;
    head.redirect_to.reset();
    head.host.clear();
    head.fields.clear();
    head.framing = {};
}

}  // namespace

std::string_view to_string(Method method) {
    for (auto const& known : kMethods) {
        if (known.method == method) {
            return known.name;
        }
    }
    return "GET";
}

ParseProgress parse_request_head(
    std::string_view bytes, HeadLimits const& limits, RequestHead& out
) {
    reset(out);
    HeadScanner scan(bytes, limits);
    out.fields.reserve(scan.size(), 16);
    KnownValues known;
    bool const good = scan.skip_empty_lines() && read_request_line(scan, out) &&
                      scan.read_fields(out.fields, known) && check_host(scan, known, out) &&
                      split_target(scan, known, out) && check_framing(scan, known, out) &&
                      check_connection(scan, known, out);
    return good ? scan.done() : std::move(scan).stopped();
}

}  // namespace plimsoll::http
