#include "http/chars.hpp"
#include "http/head_scanner.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/http/head.hpp>

#include <utility>

namespace plimsoll::http {

namespace {

bool read_status(HeadScanner& scan, unsigned& status) {
    status = 0;
    for (int i = 0; i < 3; ++i) {
        char digit = 0;
        if (!scan.peek(digit)) {
            return false;
        }
        if (!is(digit, kDigit)) {
            return scan.refuse(502, "the status code is not three digits");
        }
        status = status * 10 + static_cast<unsigned>(digit - '0');
        scan.advance(1);
    }
    if (status < 100 || status > 599) {
        return scan.refuse(502, "the status code " + std::to_string(status) + " does not exist");
    }
    if (status == 101) {
        return scan.refuse(502, "the upstream switched protocols without being asked");
    }
    return true;
}

bool read_status_line(HeadScanner& scan, ResponseHead& out) {
    if (!scan.read_version(out.minor_version) ||
        !scan.expect(' ', "the status line has no space after the version") ||
        !read_status(scan, out.status)) {
        return false;
    }
    char next = 0;
    if (!scan.peek(next)) {
        return false;
    }
    // RFC 9112 4 wants the space even before an empty reason; without it nothing is ambiguous.
    if (next == ' ') {
        scan.advance(1);
        if (!scan.read_reason(out.reason)) {
            return false;
        }
    }
    return scan.end_line();
}

// RFC 9112 6.3 in its order; whatever a recipient would have to guess is refused.
bool check_framing(HeadScanner& scan, KnownValues const& known, Method request, ResponseHead& out) {
    if (known.codings > 0 && known.lengths > 0) {
        return scan.refuse(502, "Transfer-Encoding and Content-Length stand together");
    }
    if (known.codings > 0 && out.minor_version == 0) {
        return scan.refuse(502, "Transfer-Encoding stands in an HTTP/1.0 response");
    }
    if (known.codings > 1 || (known.codings == 1 && !is_name(known.coding, "chunked"))) {
        return scan.refuse(
            502, "the transfer coding \"" + printable(known.coding, 64) + "\" is not supported"
        );
    }
    std::uint64_t length = Framing::kUnstated;
    if (known.lengths > 1 || (known.lengths == 1 && !read_length(known.length, length))) {
        return scan.refuse(502, "the field Content-Length is not one number of 1 to 19 digits");
    }
    bool const never_has_body = out.status < 200 || out.status == 204;
    if (never_has_body && (known.codings > 0 || (known.lengths > 0 && length > 0))) {
        // RFC 9110 8.6, RFC 9112 6.1: both fields are forbidden here; a peer that sends them may
        // send a body too.
        return scan.refuse(
            502, "a response with status " + std::to_string(out.status) + " announces a body"
        );
    }
    if (never_has_body || out.status == 304 || request == Method::Head) {
        out.framing = {Framing::Kind::None, length};
    } else if (known.codings > 0) {
        out.framing = {Framing::Kind::Chunked, 0};
    } else if (known.lengths > 0) {
        out.framing = {Framing::Kind::Length, length};
    } else {
        out.framing = {Framing::Kind::UntilClose, 0};
    }
    return true;
}

}  // namespace

ParseProgress parse_response_head(
    std::string_view bytes, HeadLimits const& limits, Method request, ResponseHead& out
) {
    out.reason.clear();
    out.fields.clear();
    HeadScanner scan(bytes, limits);
    out.fields.reserve(scan.size(), 16);
    KnownValues known;
    bool const good = read_status_line(scan, out) && scan.read_fields(out.fields, known) &&
                      check_framing(scan, known, request, out);
    if (!good) {
        auto progress = std::move(scan).stopped();
        if (progress.kind == ParseProgress::Kind::Refused) {
            progress.refusal.status = 502;
        }
        return progress;
    }
    out.keep_alive = !known.has_close && (out.minor_version == 1 || known.has_keep_alive) &&
                     out.framing.kind != Framing::Kind::UntilClose;
    return scan.done();
}

}  // namespace plimsoll::http
