#include "chain/run/prompt.hpp"

#include "chain/run/conversation.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

constexpr Duration kFirstPause = std::chrono::milliseconds(500);
constexpr Duration kLongestPause = std::chrono::seconds(30);

// Cancels when its time is over, and when `outer` does.
class Deadline {
  public:
    Deadline(net::Loop& loop, Duration limit, net::Canceller& outer)
        : passed_on_(outer, [this] { own_.cancel(); }), timer_(loop) {
        timer_.arm(loop.now() + limit, [this] {
            is_over_ = true;
            own_.cancel();
        });
    }

    [[nodiscard]] net::Canceller& canceller() { return own_; }

    [[nodiscard]] bool is_over() const { return is_over_; }

  private:
    net::Canceller own_;
    net::Canceller::Registration passed_on_;
    net::Timer timer_;
    bool is_over_ = false;
};

}  // namespace

net::Task<Result<void>> Worker::run(Work work, StepRecord& record, net::Canceller& canceller) {
    auto const began = context_.loop.now();
    bool const is_tool = work.step.kind == Step::Kind::Tool;
    auto outcome =
        is_tool ? co_await tool(work, record, canceller) : co_await prompt(work, record, canceller);
    if (canceller.is_cancelled()) {
        co_return fail(Errc::Cancelled, "cancelled");
    }
    record.took = context_.loop.now() - began;
    record.elapsed = context_.elapsed();
    if (outcome) {
        record.output = std::move(*outcome);
    } else {
        record.error = outcome.error().kind;
        record.error_text = std::move(outcome.error().text);
    }
    co_return Result<void>();
}

net::Task<Worker::Outcome> Worker::prompt(
    Work const& work, StepRecord& record, net::Canceller& canceller
) {
    std::string failures;
    StepError last = StepError::Upstream;
    for (std::size_t i = 0; i < work.models.size(); ++i) {
        ModelUse const& use = *work.models[i];
        record.model = use.model;
        auto outcome = co_await try_model(work, use, record, canceller);
        if (outcome || canceller.is_cancelled()) {
            co_return outcome;
        }
        last = outcome.error().kind;
        failures += fmt::format("{}{}: {}", i == 0 ? "" : "; ", use.model, outcome.error().text);
        if (i + 1 < work.models.size()) {
            context_.warn(fmt::format(
                "step {}: {} failed ({}): {}; trying {}",
                work.place,
                use.model,
                to_string(last),
                outcome.error().text,
                work.models[i + 1]->model
            ));
        }
    }
    bool const had_fallbacks = work.models.size() > 1;
    co_return std::unexpected(Failure{
        .kind = last,
        .text = fmt::format(
            "{}: {}{}",
            to_string(last),
            had_fallbacks ? fmt::format("all {} models failed: ", work.models.size()) : "",
            failures
        ),
    });
}

net::Task<Worker::Outcome> Worker::try_model(
    Work const& work, ModelUse const& use, StepRecord& record, net::Canceller& canceller
) {
    Deadline deadline(context_.loop, use.timeout, canceller);
    auto const late = [&] {
        return Failure{
            .kind = StepError::Timeout,
            .text = fmt::format(
                "not done within {}, the step's timeout; raise params.timeout, or ask for less",
                format_duration(use.timeout)
            ),
        };
    };
    auto const engine = co_await find_engine(context_.engines, use);
    if (!engine) {
        co_return std::unexpected(
            Failure{.kind = StepError::ModelManagement, .text = engine.error().message}
        );
    }
    auto const entered = co_await models_.enter(**engine, use.model, deadline.canceller());
    if (!entered) {
        co_return std::unexpected(late());
    }
    auto const began = context_.loop.now();
    auto outcome = co_await converse(work, use, **engine, record, deadline.canceller());
    auto const cost = models_.take_cost(use.model);
    record.loads += cost.loads;
    record.loading += cost.loading;
    record.bytes = cost.bytes;
    models_.note_time(use.model, context_.loop.now() - began);
    models_.leave(work.worker, use.model, use.keep_alive.has_value());
    if (deadline.is_over()) {
        co_return std::unexpected(late());
    }
    co_return outcome;
}

net::Task<Worker::Outcome> Worker::converse(
    Work const& work,
    ModelUse const& use,
    engine::Engine& engine,
    StepRecord& record,
    net::Canceller& canceller
) {
    Conversation conversation{
        .place = work.place,
        .use = use,
        .engine = engine,
        .messages = {},
        .tools = {},
        .server_of = {}
    };
    if (!work.system.empty()) {
        conversation.messages.push_back(message("system", work.system));
    }
    conversation.messages.push_back(message("user", work.instruction));
    auto const offered = co_await offer_tools(work, conversation, canceller);
    if (!offered) {
        co_return std::unexpected(Failure{.kind = StepError::Tool, .text = offered.error().message}
        );
    }
    for (unsigned round = 0;; ++round) {
        auto answer = co_await ask_patiently(conversation, record, canceller);
        if (!answer) {
            co_return std::unexpected(std::move(answer.error()));
        }
        record.waited += answer->waited;
        record.prompt_tokens += answer->prompt_tokens;
        record.tokens += answer->tokens;
        if (answer->tool_calls.empty() || conversation.tools.empty()) {
            co_return std::move(answer->content);
        }
        if (round >= work.step.tools.max_rounds) {
            co_return std::unexpected(Failure{
                .kind = StepError::Tool,
                .text = fmt::format(
                    "the model still called tools after {} rounds; raise max_tool_rounds, or say "
                    "in the instruction when to stop",
                    work.step.tools.max_rounds
                ),
            });
        }
        co_await call_tools(*answer, conversation, record, canceller);
        if (canceller.is_cancelled()) {
            co_return std::unexpected(Failure{.kind = StepError::Tool, .text = "cancelled"});
        }
    }
}

net::Task<std::expected<Answer, AskError>> Worker::ask_once(
    Conversation const& conversation, StepRecord& record, net::Canceller& canceller
) {
    ++record.attempts;
    auto on_text =
        [this, &conversation, failures = record.failures](std::string_view text, bool is_thinking) {
            json::object data{{"step", conversation.place}, {"text", text}};
            if (failures > 0) {  // what was told before does not count
                data["attempt"] = failures + 1;
            }
            if (is_thinking) {
                data["thinking"] = true;
            }
            context_.log.add("token", std::move(data));
        };
    auto answer = co_await ask(
        context_.ask,
        conversation.engine,
        context_.loop,
        {.body = conversation.body(context_.spec().management),
         .client = context_.client(),
         .priority = context_.request.priority,
         .trace = context_.request.trace,
         .max_answer = context_.config.max_text},
        std::move(on_text),
        canceller
    );
    record.failures += answer ? 0 : 1;
    co_return answer;
}

// Until it is answered, refused for good, or has failed as often as it may.
net::Task<std::expected<Answer, Worker::Failure>> Worker::ask_patiently(
    Conversation const& conversation, StepRecord& record, net::Canceller& canceller
) {
    auto& loop = context_.loop;
    unsigned const most = std::max(conversation.use.max_retries, 1U);
    auto const seed = static_cast<std::uint64_t>(loop.now().time_since_epoch().count());
    net::Backoff backoff(kFirstPause, kLongestPause, seed);
    for (unsigned attempt = 1;; ++attempt) {
        auto answer = co_await ask_once(conversation, record, canceller);
        if (answer) {
            co_return std::move(*answer);
        }
        auto& error = answer.error();
        if (!error.may_pass || canceller.is_cancelled()) {
            co_return std::unexpected(Failure{.kind = error.kind, .text = std::move(error.text)});
        }
        if (attempt >= most) {
            co_return std::unexpected(Failure{
                .kind = error.kind,
                .text = fmt::format(
                    "{} after {} attempts: {}",
                    error.is_unreachable ? "failed to connect" : "given up",
                    attempt,
                    error.text
                ),
            });
        }
        auto const pause = std::max(backoff.next(), error.retry_after.value_or(Duration{}));
        context_.warn(fmt::format(
            "step {}: attempt {} of {} failed: {}; again in {}",
            conversation.place,
            attempt,
            most,
            error.text,
            format_duration(pause)
        ));
        auto const slept = co_await net::sleep_until(loop, loop.now() + pause, &canceller);
        static_cast<void>(slept);
    }
}

}  // namespace plimsoll::chain
