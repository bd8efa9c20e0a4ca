#pragma once
// One execution of a chain, as those see it who watch or end it. Loop thread only.

#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::chain {

enum class RunStatus : std::uint8_t { Running, Succeeded, Failed, Cancelled };

// "running", "succeeded", "failed", "cancelled"
std::string_view to_string(RunStatus status);

// Something that happened in a run. `data` has the members "id", "event" and those of its kind:
//   run_started    run, chain, steps, resumed
//   step_started   step (its place: "2", "3[1].2"), name, kind, model
//   model_loading  model, num_ctx, charge_bytes, expected_seconds, why
//   model_loaded   model, seconds, bytes, num_ctx
//   model_unloaded model, seconds; or why, where a load was given up or failed
//   token          step, text; thinking: true for a model's own thoughts; attempt, above the first
//   tool_call      step, server, tool, arguments, seconds, error
//   breaker        step, breaker (its index), action
//   warning        text
//   step_finished  the step's record (docs/chains.md)
//   run_finished   status, output, error, seconds
struct RunEvent {
    std::uint64_t id = 0;  // rising, not always by one
    std::string_view kind;
    boost::json::object data;
};

class Run {
  public:
    virtual ~Run() = default;

    [[nodiscard]] virtual std::string const& id() const = 0;
    [[nodiscard]] virtual RunStatus status() const = 0;
    // The final object, as far as it is known: id, chain, status, output, error, seconds, steps.
    [[nodiscard]] virtual boost::json::object view() const = 0;

    // The first event after `after_id`, waited for; nullptr: the run has ended and there is none.
    // It holds until the next call. Tokens that were told long before may be left out. Errors:
    // Cancelled, Timeout.
    virtual net::Task<Result<std::shared_ptr<RunEvent const>>> next_event(
        std::uint64_t after_id, std::optional<TimePoint> until, net::Canceller* canceller
    ) = 0;
    // Waits until it has ended and is written down. Error Cancelled.
    virtual net::Task<Result<void>> wait(net::Canceller* canceller) = 0;

    // Ends it at once and gives back what it holds; `why` becomes its error.
    virtual void cancel(std::string why) = 0;
};

}  // namespace plimsoll::chain
