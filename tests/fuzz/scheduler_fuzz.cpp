// Any list of events, however absurd, leaves the scheduler's invariants standing: the bytes are an
// event list, the checker of the property tests is the oracle.

#include <plimsoll/core/scheduler.hpp>

#include "property/checker.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace plimsoll;
using namespace plimsoll::core;

class Reader {
  public:
    Reader(std::uint8_t const* data, std::size_t size) : data_(data), size_(size) {}

    [[nodiscard]] bool is_done() const { return at_ >= size_; }

    std::uint64_t byte() { return is_done() ? 0 : data_[at_++]; }

    std::uint64_t below(std::uint64_t n) { return byte() % n; }

    bool flag() { return (byte() & 1U) != 0; }

    // From 1 ms to about an hour, coarser when longer.
    Duration duration() {
        std::uint64_t const b = byte();
        return std::chrono::milliseconds((1 + (b & 15U)) << ((b >> 4U) + 1U));
    }

  private:
    std::uint8_t const* data_;
    std::size_t size_;
    std::size_t at_ = 0;
};

std::string weights(Reader& in) {
    return "w" + std::to_string(in.below(5));
}

KeepAlive keep_alive(Reader& in) {
    return {static_cast<KeepAlive::Kind>(in.below(3)), in.duration()};
}

Demand demand(Reader& in) {
    Demand made;
    made.weights = weights(in);
    made.model = made.weights;
    made.form = static_cast<Form>(in.below(2));
    made.settings.num_ctx = static_cast<std::uint32_t>(1 + in.below(3)) * 4096;
    if (in.byte() == 7) {
        made.settings.options.num_gpu = 1;
    }
    made.charge = in.byte() == 255 ? Bytes(UINT64_MAX) : gibibytes(in.below(14));
    made.upstream_estimate = gibibytes(in.below(16));
    made.load_time = in.duration();
    made.unload_time = std::chrono::seconds(in.below(3));
    return made;
}

PerCard amounts(Reader& in) {
    PerCard made(in.below(4));
    for (Bytes& each : made) {
        each = gibibytes(in.below(12));
    }
    return made;
}

SchedulerConfig config(Reader& in) {
    SchedulerConfig made;
    made.budget = gibibytes(in.below(24));
    made.max_loaded_models = in.below(4);
    made.parallel = in.below(4);
    made.queue_limit = in.below(40);
    made.auto_unload = in.flag();
    made.unload_timeout = in.duration();
    for (std::uint64_t cards = in.below(4); cards > 1; --cards) {
        Bytes const budget = gibibytes(in.below(16));
        made.cards.push_back({budget, budget + gibibytes(in.below(4)), gibibytes(in.below(3))});
    }
    return made;
}

Row row(Reader& in) {
    Row made;
    made.weights = weights(in);
    made.model = made.weights;
    made.size = made.size_vram = in.byte() == 255 ? Bytes(UINT64_MAX) : gibibytes(in.below(16));
    made.num_ctx = static_cast<std::uint32_t>(in.below(3)) * 4096;
    if (in.flag()) {
        made.known_form = static_cast<Form>(in.below(3));
        made.known_settings = RunnerSettings{made.num_ctx, 512, {}};
    }
    made.predicted = gibibytes(in.below(16));
    made.cards = amounts(in);
    return made;
}

Event ticket_event(Reader& in, TimePoint now) {
    Ticket ticket;
    ticket.id = TicketId{in.below(64)};
    ticket.client = std::to_string(in.below(3));
    ticket.priority = static_cast<Priority>(in.below(3));
    ticket.demand = demand(in);
    ticket.body = mebibytes(in.byte());
    if (in.flag()) {
        ticket.keep_alive = keep_alive(in);
    }
    if (in.below(4) == 0) {
        ticket.deadline = now + in.duration();
    }
    return TicketArrived{ticket};
}

Event observed(Reader& in, TimePoint now) {
    Observed list;
    list.asked = in.below(4) == 0 ? now - in.duration() : now;
    for (std::uint64_t rows = in.below(4); rows > 0; --rows) {
        list.rows.push_back(row(in));
    }
    return list;
}

Event next_event(Reader& in, TimePoint now) {
    switch (in.below(23)) {
        case 0:
            return TicketCancelled{TicketId{in.below(64)}};
        case 1:
        case 2:
            return TicketEnded{TicketId{in.below(64)}, static_cast<TicketOutcome>(in.below(5))};
        case 3:
        case 4:
            return LoadSucceeded{
                InstanceId{in.byte()},
                gibibytes(in.below(16)),
                gibibytes(in.below(16)),
                4096,
                in.duration()
            };
        case 5:
            return LoadFailed{InstanceId{in.byte()}, static_cast<LoadFailure>(in.below(7)), "text"};
        case 6:
            return UnloadFailed{InstanceId{in.byte()}, "text"};
        case 7:
        case 8:
        case 9:
            return observed(in, now);
        case 10:
            return UpstreamDown{"down"};
        case 11:
            return UpstreamUp{in.flag()};
        case 12:
            return KeepAliveWished{std::to_string(in.below(3)), weights(in), keep_alive(in)};
        case 13:
            return in.flag() ? Event(UnloadRequested{weights(in)}) : Event(CleanupRequested{});
        case 14:
            return PinSet{
                demand(in), "owner", in.flag() ? std::optional(now + in.duration()) : std::nullopt
            };
        case 15:
            return PinCleared{weights(in)};
        case 16:
            return ConfigChanged{config(in)};
        case 17:
            return TimePassed{};
        case 18:
            return UseAnnounced{AnnouncementId{in.below(8)}, demand(in), now + in.duration()};
        case 19:
            return UseWithdrawn{AnnouncementId{in.below(8)}};
        case 20:
            return Placed{InstanceId{in.byte()}, amounts(in), in.flag()};
        default:
            return ticket_event(in, now);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    Reader in(data, size);
    SchedulerConfig initial;
    initial.budget = gibibytes(4 + in.below(20));
    initial.parallel = 1 + in.below(3);
    Scheduler scheduler(initial);
    test::Checker checker;
    TimePoint now{std::chrono::hours(1)};
    try {
        while (!in.is_done()) {
            now += in.flag() ? in.duration() : Duration{};
            Event const event = next_event(in, now);
            checker.before(scheduler, event, now);
            checker.after(scheduler, scheduler.on(event, now), now);
            checker.compare_all(scheduler, now);
            static_cast<void>(scheduler.forecast(now, std::nullopt, ForecastLimits{.events = 20}));
        }
    } catch (test::InvariantBroken const& broken) {
        std::fprintf(stderr, "invariant broken: %s\n", broken.what());
        std::abort();
    }
    return 0;
}
