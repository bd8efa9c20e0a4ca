#pragma once
// Expected failures are values. An Error says what happened, to whom it belongs and with which
// numbers; it is logged once, where it is handled. Value types, any thread.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <system_error>

namespace plimsoll {

enum class Errc : std::uint8_t {
    BadRequest,  // the client's bytes break the protocol, or its JSON is wrong
    Forbidden,   // Host, Origin or key
    NotFound,    // unknown model or route
    MethodNotAllowed,
    TooLarge,          // body, head or target above its limit
    UnsupportedMedia,  // a content or transfer coding that we do not take
    ExpectationFailed,
    Conflict,    // e.g. pins that leave no room
    DoesNotFit,  // the model cannot fit the budget, even alone
    QueueFull,
    DeadlineExceeded,     // the client's own deadline, or one of ours
    UpstreamUnavailable,  // cannot connect, or down
    UpstreamFailed,       // it answered, with an error
    UpstreamProtocol,     // it answered with bytes that are not HTTP, or not what was promised
    OutOfMemory,          // the upstream said so
    LoadFailed,
    UnloadFailed,
    Timeout,           // no progress within a per-phase limit
    Cancelled,         // the client left, or we shut down; never logged above debug
    Draining,          // shutting down
    ConnectionClosed,  // the peer closed or reset
    Invalid,           // configuration, command line, state file
    Io,                // the operating system refused
    Unsupported,       // a provider lacks this capability
};

std::string_view to_string(Errc code);

enum class ErrorSource : std::uint8_t { Client, Upstream, Self };

struct Error {
    Errc code = Errc::Io;
    ErrorSource source = ErrorSource::Self;
    std::string message;      // one sentence for people: what, to what, numbers, what to do next
    std::error_code cause{};  // of the operating system, where there is one

    Error() = default;

    Error(Errc error_code, std::string text, ErrorSource from = ErrorSource::Self)
        : code(error_code), source(from), message(std::move(text)) {}

    // Puts "what: " before the message when passing up.
    [[nodiscard]] Error context(std::string_view what) &&;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(
    Errc code, std::string message, ErrorSource source = ErrorSource::Self
) {
    return std::unexpected<Error>(std::in_place, code, std::move(message), source);
}

inline std::unexpected<Error> fail(Error error) {
    return std::unexpected<Error>(std::move(error));
}

// Programming errors stop the process in every build: a restart is cheap, a wrong ledger is not.
// Bytes from a client or an upstream never reach an assert.
#define PLIMSOLL_ASSERT(condition)                                        \
    do {                                                                  \
        if (!(condition)) [[unlikely]] {                                  \
            ::plimsoll::assertion_failed(#condition, __FILE__, __LINE__); \
        }                                                                 \
    } while (false)

[[noreturn]] void assertion_failed(char const* condition, char const* file, int line);

}  // namespace plimsoll
