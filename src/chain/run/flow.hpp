#pragma once
// The order of a run: which step is next, what breakers say, maps and loops. A run that goes on
// after a crash goes the same way again, and takes what had ended from its records. Loop thread
// only.

#include "chain/run/frame.hpp"
#include "chain/run/prompt.hpp"
#include "chain/run/run_context.hpp"
#include "chain/run/run_models.hpp"
#include "chain/run/step_record.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace plimsoll::chain {

// How a step, or a list of steps, ended.
struct Verdict {
    enum class Kind : std::uint8_t {
        Next,    // go on with `text` as the input
        Stop,    // a breaker ends the innermost loop, or else the run; `text` is what it gives
        Jump,    // go on with the outermost step `target`
        Failed,  // `text` says why
        Cancelled,
    };
    Kind kind = Kind::Next;
    std::string text{};
    std::size_t target = 0;
    std::optional<StepError> error{};  // Failed
};

class Flow {
  public:
    // Writes a step down; the step has ended when it returns.
    using Save = std::function<net::Task<void>(StepRecord const&)>;

    Flow(RunContext& context, RunModels& models, std::vector<StepRecord> past, Save save);

    net::Task<Verdict> run(net::Canceller& canceller);

    // In the order in which they ended.
    [[nodiscard]] std::vector<StepRecord> const& records() const { return records_; }

  private:
    struct Items;

    net::Task<Verdict> list(Frame& frame, std::string input, net::Canceller& canceller);
    net::Task<Verdict> step(
        Step const& step, Frame& frame, std::string const& input, net::Canceller& canceller
    );
    // Fills the record. Anything but Next: the step has not ended by itself.
    net::Task<Verdict> execute(
        Step const& step,
        Frame& frame,
        std::string const& input,
        Changes const& changes,
        StepRecord& record,
        net::Canceller& canceller
    );
    net::Task<Verdict> map(
        Step const& step,
        Frame& frame,
        std::string prefix,
        std::string input,
        net::Canceller& canceller
    );
    net::Task<void> map_worker(std::shared_ptr<Items> items);
    net::Task<Verdict> loop(
        Step const& step,
        Frame& frame,
        std::string prefix,
        std::string input,
        net::Canceller& canceller
    );

    [[nodiscard]] std::vector<Upcoming> upcoming(Frame const& frame) const;
    [[nodiscard]] std::optional<std::size_t> breaker_for(
        StepRecord const& record, Frame const& frame
    ) const;
    [[nodiscard]] Verdict apply(
        Breaker const& breaker,
        StepRecord const& record,
        Frame const& frame,
        std::string const& input
    ) const;
    void tell(Breaker const& breaker, StepRecord const& record);

    RunContext& context_;
    RunModels& models_;
    Save save_;
    std::map<std::string, StepRecord> past_;      // by key
    std::map<std::string, unsigned> executions_;  // by place
    std::vector<unsigned> fired_;                 // by breaker
    std::vector<StepRecord> records_;
    std::size_t workers_ = 0;
    std::size_t executed_ = 0;
};

}  // namespace plimsoll::chain
