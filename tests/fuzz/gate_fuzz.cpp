// The gate: whatever the bytes, a verdict does not depend on how they are cut into reads, and what
// is accepted goes on as one message that reads the same again. The first byte chooses the parser.

#include <plimsoll/http/chunked.hpp>
#include <plimsoll/http/head.hpp>
#include <plimsoll/http/multipart.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace plimsoll;
using namespace plimsoll::http;

namespace {

void check_request(std::string_view bytes) {
    RequestHead head;
    auto const whole = parse_request_head(bytes, {}, head);
    RequestHead part;
    for (auto const size : {bytes.size() / 3, bytes.size() / 2, bytes.size() - bytes.size() / 8}) {
        auto const early = parse_request_head(bytes.substr(0, size), {}, part);
        if (early.kind != ParseProgress::Kind::NeedMore) {
            PLIMSOLL_ASSERT(early.kind == whole.kind);
            PLIMSOLL_ASSERT(early.consumed == whole.consumed);
            PLIMSOLL_ASSERT(early.refusal.message == whole.refusal.message);
        }
    }
    if (whole.kind != ParseProgress::Kind::Done) {
        return;
    }
    PLIMSOLL_ASSERT(whole.consumed <= bytes.size());
    auto target = head.path == "*" ? head.path : encode_path(head.path);
    if (head.has_query) {
        target += '?' + head.query;
    }
    auto const once =
        write_request_head(head.method, target, "u", end_to_end(head.fields), head.framing);
    // Encoding may make a path three times as long; then the limits speak, and nothing else may.
    HeadLimits const wide{.max_head = 128 * 1024, .max_target = 64 * 1024, .max_fields = 110};
    RequestHead again;
    auto const second = parse_request_head(once, wide, again);
    PLIMSOLL_ASSERT(second.kind == ParseProgress::Kind::Done);
    PLIMSOLL_ASSERT(second.consumed == once.size());
    PLIMSOLL_ASSERT(again.path == head.path && again.query == head.query);
    PLIMSOLL_ASSERT(!again.redirect_to);
    PLIMSOLL_ASSERT(again.framing.length == head.framing.length);
}

void check_response(std::string_view bytes, Method method) {
    ResponseHead head;
    auto const whole = parse_response_head(bytes, {}, method, head);
    if (whole.kind != ParseProgress::Kind::Done) {
        return;
    }
    auto const once = write_response_head(
        head.status, head.reason, end_to_end(head.fields), head.framing, head.keep_alive, 1
    );
    HeadLimits const wide{.max_head = 32 * 1024, .max_target = 8 * 1024, .max_fields = 110};
    ResponseHead again;
    auto const second = parse_response_head(once, wide, method, again);
    PLIMSOLL_ASSERT(second.kind == ParseProgress::Kind::Done);
    PLIMSOLL_ASSERT(second.consumed == once.size());
    PLIMSOLL_ASSERT(again.status == head.status);
}

// The payload and whether it ended well; an error stops it.
std::string decode(std::string_view bytes, std::size_t piece, bool& done) {
    ChunkedDecoder decoder;
    std::string payload;
    done = false;
    while (!bytes.empty() && !done) {
        auto const step = decoder.next(bytes.substr(0, piece));
        if (!step) {
            return payload;
        }
        PLIMSOLL_ASSERT(step->consumed > 0 && step->consumed <= piece);
        payload += step->payload;
        done = step->done;
        bytes.remove_prefix(step->consumed);
    }
    return payload;
}

void check_chunked(std::string_view bytes) {
    bool whole_done = false;
    bool split_done = false;
    auto const whole = decode(bytes, bytes.size() + 1, whole_done);
    auto const split = decode(bytes, 1, split_done);
    PLIMSOLL_ASSERT(whole_done == split_done);
    // Before an error the payload may be reported in larger pieces, but what ends well is equal.
    PLIMSOLL_ASSERT(!whole_done || whole == split);
}

void check_path(std::string_view bytes) {
    auto const result = canonical_path(bytes);
    if (!result) {
        return;
    }
    auto const again = canonical_path(encode_path(result->path));
    PLIMSOLL_ASSERT(again && again->path == result->path && !again->redirect_to);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    std::string_view const bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
    switch (data[0]) {
        case 'q':
            check_request(bytes);
            break;
        case 'r':
            check_response(bytes, Method::Get);
            break;
        case 'h':
            check_response(bytes, Method::Head);
            break;
        case 'c':
            check_chunked(bytes);
            break;
        case 'p':
            check_path(bytes);
            break;
        case 'm':
            static_cast<void>(form_field("multipart/form-data; boundary=XX", bytes, "model"));
            break;
        case 't':
            static_cast<void>(form_field(bytes, "--XX--", "model"));
            break;
        default:
            break;
    }
    return 0;
}
