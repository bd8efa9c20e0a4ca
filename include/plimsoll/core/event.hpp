#pragma once
// Everything the scheduler can be told. No event refers to a socket, a clock or a thread.

#include <plimsoll/core/config.hpp>
#include <plimsoll/core/types.hpp>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace plimsoll::core {

struct TicketArrived {
    Ticket ticket;
};

// The client left, wherever the ticket was: in the queue, while its model loads, or leased.
struct TicketCancelled {
    TicketId ticket{};
};

// A dispatched ticket's last byte, or its failure.
struct TicketEnded {
    TicketId ticket{};
    TicketOutcome outcome = TicketOutcome::Done;
};

struct LoadSucceeded {
    InstanceId instance{};
    Bytes size;  // as the upstream lists it; zero if it listed nothing
    Bytes size_vram;
    std::uint32_t num_ctx = 0;  // as listed; 0 unknown
    Duration took{};
    // What the listed context of a bare load is predicted to take: replaces what was booked before
    // it was known.
    std::optional<Bytes> charge{};
};

// On which cards an instance lies, on each at most so much, as the driver shows. Until this is
// told, ours count where the upstream may have put them.
struct Placed {
    InstanceId instance{};
    PerCard most;
    bool is_certain = true;  // false: a share of what the driver shows for several together
};

struct LoadFailed {
    InstanceId instance{};
    LoadFailure failure = LoadFailure::Refused;
    std::string text;  // the upstream's own words, made printable
};

// The unload call itself failed (not: the row is still there, which Observed shows).
struct UnloadFailed {
    InstanceId instance{};
    std::string text;
};

// The upstream's list. `asked` is when the poll was sent: only a poll sent after an unload proves
// that the row is gone.
struct Observed {
    std::vector<Row> rows;
    TimePoint asked{};
};

struct UpstreamDown {
    std::string text;
};

// restarted: all that was loaded is gone (new process, connections broke).
struct UpstreamUp {
    bool restarted = false;
};

// A client's wish about how long an instance stays, without a prompt; Zero is "unload".
struct KeepAliveWished {
    std::string client;
    std::string weights;
    KeepAlive keep_alive;
};

// An operator's unload: ends every client's wish and drains the instance; a pin refuses it before
// this event is made.
struct UnloadRequested {
    std::string weights;
};

// A pinned model is loaded if absent and never a victim. Refused with Refuse-like text in Notice if
// it cannot fit.
struct PinSet {
    Demand demand;
    std::string owner;
    std::optional<TimePoint> until;
};

struct PinCleared {
    std::string weights;
};

// A request that will come: the next step of a chain. It is no ticket and no promise; while nobody
// waits for a load its model may be loaded ahead, once. The same id again replaces what was said.
struct UseAnnounced {
    AnnouncementId announcement{};
    Demand demand;
    TimePoint expected{};  // when it will probably come
};

// The request has arrived (tell that first), or will not come.
struct UseWithdrawn {
    AnnouncementId announcement{};
};

// Unload whatever is idle, unpinned, unwanted and unannounced.
struct CleanupRequested {
    std::string weights;  // only these; empty: all
};

struct ConfigChanged {
    SchedulerConfig config;
};

struct TimePassed {};

using Event = std::variant<
    TicketArrived,
    TicketCancelled,
    TicketEnded,
    LoadSucceeded,
    Placed,
    LoadFailed,
    UnloadFailed,
    Observed,
    UpstreamDown,
    UpstreamUp,
    KeepAliveWished,
    UnloadRequested,
    PinSet,
    PinCleared,
    UseAnnounced,
    UseWithdrawn,
    CleanupRequested,
    ConfigChanged,
    TimePassed>;

}  // namespace plimsoll::core
