#pragma once
// A run while it runs. Loop thread only.

#include "chain/run/flow.hpp"
#include "chain/run/journal.hpp"
#include "chain/run/run_context.hpp"
#include "chain/run/run_models.hpp"

#include <plimsoll/chain/run.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::chain {

// What a run that goes on had come to.
struct Past {
    std::uint64_t started = 0;  // milliseconds since 1970
    std::vector<StepRecord> steps;
    std::vector<store::StoredEvent> events;
};

class LiveRun final : public Run, public std::enable_shared_from_this<LiveRun> {
  public:
    LiveRun(RunContext context, Journal& journal, std::optional<Past> past);

    // Executes it to its end; `on_end` is called then, and nothing after it.
    net::Task<void> execute(std::shared_ptr<LiveRun> keep, std::function<void()> on_end);

    [[nodiscard]] std::string const& id() const override { return context_.id; }

    [[nodiscard]] RunStatus status() const override { return status_; }

    [[nodiscard]] boost::json::object view() const override;

    net::Task<Result<std::shared_ptr<RunEvent const>>> next_event(
        std::uint64_t after_id, std::optional<TimePoint> until, net::Canceller* canceller
    ) override {
        return context_.log.next(after_id, until, canceller);
    }

    net::Task<Result<void>> wait(net::Canceller* canceller) override;
    void cancel(std::string why) override;

    // The daemon ends: it stops where it is, and is resumed by the next start.
    void suspend();

    [[nodiscard]] Spec const& spec() const { return context_.spec(); }

    [[nodiscard]] std::string const& chain() const { return context_.request.chain; }

  private:
    void take_verdict(Verdict verdict);
    [[nodiscard]] store::StoredRun stored() const;
    [[nodiscard]] boost::json::object result() const;

    RunContext context_;
    Journal& journal_;
    std::optional<Past> past_;
    Duration elapsed_before_;
    std::shared_ptr<RunModels> models_;
    Flow flow_;
    net::Canceller canceller_;
    std::uint64_t started_ = 0, ended_ = 0;
    RunStatus status_ = RunStatus::Running;
    std::string output_, error_;
    std::string why_cancelled_;
    bool is_late_ = false, is_suspended_ = false;
    Duration took_{};
};

// What is shown of a run that ended long ago; without its steps.
boost::json::object view_of(store::StoredRun const& run);

}  // namespace plimsoll::chain
