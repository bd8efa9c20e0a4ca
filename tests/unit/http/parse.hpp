#pragma once
// Parsing a head in tests: at once, and byte by byte, which must agree.

#include "support/catch.hpp"

#include <plimsoll/http/head.hpp>

#include <string>
#include <string_view>

namespace plimsoll::http::test {

struct ParsedRequest {
    ParseProgress progress;
    RequestHead head;
};

inline ParsedRequest parse_request(std::string_view bytes, HeadLimits const& limits = {}) {
    ParsedRequest whole;
    whole.progress = parse_request_head(bytes, limits, whole.head);
    // The same bytes one more at a time: the first verdict must be the same one.
    ParsedRequest part;
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        part.progress = parse_request_head(bytes.substr(0, size), limits, part.head);
        if (part.progress.kind != ParseProgress::Kind::NeedMore) {
            break;
        }
    }
    CHECK(part.progress.kind == whole.progress.kind);
    CHECK(part.progress.consumed == whole.progress.consumed);
    CHECK(part.progress.refusal.status == whole.progress.refusal.status);
    CHECK(part.progress.refusal.message == whole.progress.refusal.message);
    return whole;
}

struct ParsedResponse {
    ParseProgress progress;
    ResponseHead head;
};

inline ParsedResponse parse_response(
    std::string_view bytes, Method request = Method::Get, HeadLimits const& limits = {}
) {
    ParsedResponse whole;
    whole.progress = parse_response_head(bytes, limits, request, whole.head);
    ParsedResponse part;
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        part.progress = parse_response_head(bytes.substr(0, size), limits, request, part.head);
        if (part.progress.kind != ParseProgress::Kind::NeedMore) {
            break;
        }
    }
    CHECK(part.progress.kind == whole.progress.kind);
    CHECK(part.progress.consumed == whole.progress.consumed);
    CHECK(part.progress.refusal.message == whole.progress.refusal.message);
    return whole;
}

}  // namespace plimsoll::http::test
