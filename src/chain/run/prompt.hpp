#pragma once
// Steps that do something: a question to a model, with its retries, fallbacks and tools, or one
// call of a tool. Loop thread only.

#include "chain/run/run_context.hpp"
#include "chain/run/run_models.hpp"
#include "chain/run/step_record.hpp"

#include <string>
#include <vector>

namespace plimsoll::chain {

// A step with its texts filled in.
struct Work {
    Step const& step;
    std::string place;
    std::size_t worker = 0;               // of those that execute steps side by side
    std::vector<ModelUse const*> models;  // the first, then the fallbacks
    std::string instruction;
    std::string system;             // empty: none
    boost::json::object arguments;  // of a tool
};

class Worker {
  public:
    Worker(RunContext& context, RunModels& models) : context_(context), models_(models) {}

    // Fills output or error, and what it cost. Error Cancelled: the run has ended.
    net::Task<Result<void>> run(Work work, StepRecord& record, net::Canceller& canceller);

  private:
    struct Failure {
        StepError kind = StepError::Upstream;
        std::string text;
    };

    using Outcome = std::expected<std::string, Failure>;
    struct Conversation;

    net::Task<Outcome> prompt(Work const& work, StepRecord& record, net::Canceller& canceller);
    net::Task<Outcome> try_model(
        Work const& work, ModelUse const& use, StepRecord& record, net::Canceller& canceller
    );
    net::Task<Outcome> converse(
        Work const& work,
        ModelUse const& use,
        engine::Engine& engine,
        StepRecord& record,
        net::Canceller& canceller
    );
    net::Task<std::expected<Answer, AskError>> ask_once(
        Conversation const& conversation, StepRecord& record, net::Canceller& canceller
    );
    net::Task<std::expected<Answer, Failure>> ask_patiently(
        Conversation const& conversation, StepRecord& record, net::Canceller& canceller
    );
    net::Task<Result<void>> offer_tools(
        Work const& work, Conversation& conversation, net::Canceller& canceller
    );
    net::Task<void> call_tools(
        Answer const& answer,
        Conversation& conversation,
        StepRecord& record,
        net::Canceller& canceller
    );
    net::Task<Result<ToolResult>> call_tool(
        std::string const& place,
        std::string server,
        std::string tool,
        boost::json::object arguments,
        StepRecord& record,
        net::Canceller& canceller
    );
    net::Task<Outcome> tool(Work const& work, StepRecord& record, net::Canceller& canceller);

    RunContext& context_;
    RunModels& models_;
};

}  // namespace plimsoll::chain
