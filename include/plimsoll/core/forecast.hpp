#pragma once
// What a scheduler would do from now on if nobody else came and everything took as long as
// expected: the same rules, run ahead on a copy. For expected waits, and to ask "what if".

#include <plimsoll/core/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace plimsoll::core {

struct ForecastStep {
    enum class Kind : std::uint8_t { Drain, Unload, Load, Ready, Dispatch, Refuse };

    Kind kind = Kind::Load;
    Duration in{};      // from now
    std::string model;  // empty for Drain
    Bytes bytes;        // charge that is taken (Load) or comes back (Unload)
    std::string reason;
};

struct Forecast {
    // What the wait of each ticket still takes; those that are refused, or not reached within the
    // limits of the forecast, are absent.
    std::unordered_map<TicketId, Duration> waits;
    // Up to the asked ticket's slot or refusal; without one, all.
    std::vector<ForecastStep> steps;
    std::optional<Duration> wait;           // of the asked ticket
    std::optional<RefuseKind> refusal;      // likewise
    std::optional<Duration> retry_after{};  // of the refusal
};

// How long an answer is taken to last where nothing was learned yet.
inline constexpr Duration kUnknownAnswer = std::chrono::seconds(10);

struct ForecastLimits {
    Duration horizon = std::chrono::hours(1);
    std::size_t events = 4000;  // bounds the time that a forecast takes: some milliseconds
    Duration unknown_answer = kUnknownAnswer;
};

}  // namespace plimsoll::core
