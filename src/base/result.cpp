#include <plimsoll/base/result.hpp>

#include <cstdio>
#include <cstdlib>

namespace plimsoll {

std::string_view to_string(Errc code) {
    switch (code) {
        case Errc::BadRequest:
            return "bad_request";
        case Errc::Forbidden:
            return "forbidden";
        case Errc::NotFound:
            return "not_found";
        case Errc::MethodNotAllowed:
            return "method_not_allowed";
        case Errc::TooLarge:
            return "too_large";
        case Errc::UnsupportedMedia:
            return "unsupported_media";
        case Errc::ExpectationFailed:
            return "expectation_failed";
        case Errc::Conflict:
            return "conflict";
        case Errc::DoesNotFit:
            return "does_not_fit";
        case Errc::QueueFull:
            return "queue_full";
        case Errc::DeadlineExceeded:
            return "deadline_exceeded";
        case Errc::UpstreamUnavailable:
            return "upstream_unavailable";
        case Errc::UpstreamFailed:
            return "upstream_failed";
        case Errc::UpstreamProtocol:
            return "upstream_protocol";
        case Errc::OutOfMemory:
            return "out_of_memory";
        case Errc::LoadFailed:
            return "load_failed";
        case Errc::UnloadFailed:
            return "unload_failed";
        case Errc::Timeout:
            return "timeout";
        case Errc::Cancelled:
            return "cancelled";
        case Errc::Draining:
            return "draining";
        case Errc::ConnectionClosed:
            return "connection_closed";
        case Errc::Invalid:
            return "invalid";
        case Errc::Io:
            return "io";
        case Errc::Unsupported:
            return "unsupported";
    }
    return "unknown";
}

Error Error::context(std::string_view what) && {
    message.insert(0, std::string(what) + ": ");
    return std::move(*this);
}

void assertion_failed(char const* condition, char const* file, int line) {
    // Straight to standard error: the logger may be what is broken.
    std::fprintf(stderr, "plimsoll: assertion failed: %s, at %s:%d\n", condition, file, line);
    std::abort();
}

}  // namespace plimsoll
