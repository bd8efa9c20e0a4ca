#pragma once
// Everything the scheduler can ask for. Each action says why, in a sentence that reaches the log,
// the event stream and the dashboard. The engine carries actions out in order and reports the
// outcome as events, failures included.

#include <plimsoll/core/types.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <variant>

namespace plimsoll::core {

// Ask the upstream for its list now and answer with Observed; decisions wait for it (a load is only
// sent after an observation that was asked for after the decision).
struct Observe {
    std::string reason;
};

struct Load {
    InstanceId instance{};
    Demand demand;  // form and settings to load with, and the charge already booked
    std::string reason;
};

// Give a load up by closing our own connection. LoadFailed{Aborted} must follow.
struct AbortLoad {
    InstanceId instance{};
    std::string reason;
};

// Send the unload, then poll (5, 10, 20 ... 250 ms) and report Observed until the row is gone or
// told otherwise.
struct Unload {
    InstanceId instance{};
    std::string model;
    std::string weights;
    unsigned attempt = 1;  // above 1: a retry; another name of the same weights may be tried
    std::string reason;
};

// The ticket may run now. `form` and `settings` say what must be written into, or cut out of, the
// request.
struct Dispatch {
    TicketId ticket{};
    InstanceId instance{};
    Form form = Form::Bare;
    RunnerSettings settings;
    Duration waited{};
    std::size_t position = 0;  // among all that waited when it came, from 1; 0: it did not wait
    std::string reason;
};

struct Refuse {
    TicketId ticket{};
    RefuseKind kind = RefuseKind::QueueFull;
    std::optional<Duration> retry_after;
    std::string reason;  // the sentence for the client: cause, numbers, what to do next
};

// Something a person should know: a pin dropped, an instance suspect, a foreign row, over budget.
struct Notice {
    enum class Level : std::uint8_t { Info, Warning, Alert };
    Level level = Level::Info;
    std::string text;
};

using Action = std::variant<Observe, Load, AbortLoad, Unload, Dispatch, Refuse, Notice>;

}  // namespace plimsoll::core
