#include "chain/run/live_run.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/net/wall_clock.hpp>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <utility>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

// A run that was cancelled must not wait for ever for what it gives back.
constexpr Duration kLongestCleanup = std::chrono::seconds(60);

std::string time_text(std::uint64_t milliseconds) {
    return net::rfc3339(std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds)));
}

Duration elapsed_of(std::optional<Past> const& past) {
    Duration out{};
    if (past) {
        for (auto const& record : past->steps) {
            out = std::max(out, record.elapsed);
        }
    }
    return out;
}

std::vector<StepRecord> take_steps(std::optional<Past>& past) {
    return past ? std::exchange(past->steps, {}) : std::vector<StepRecord>();
}

}  // namespace

std::string_view to_string(RunStatus status) {
    switch (status) {
        case RunStatus::Running:
            return "running";
        case RunStatus::Succeeded:
            return "succeeded";
        case RunStatus::Failed:
            return "failed";
        default:
            return "cancelled";
    }
}

LiveRun::LiveRun(RunContext context, Journal& journal, std::optional<Past> past)
    : context_(std::move(context)),
      journal_(journal),
      past_(std::move(past)),
      elapsed_before_(elapsed_of(past_)),
      models_(std::make_shared<RunModels>(context_)),
      flow_(context_, *models_, take_steps(past_), [this](StepRecord const& record) {
          return journal_.save_step(context_.id, record, context_.log.take_unsaved());
      }) {
    started_ = past_ ? past_->started : wall_milliseconds();
    // The time between does not count: neither against the run's timeout nor as what it took.
    context_.began = context_.loop.now() - elapsed_before_;
    if (past_) {
        context_.log.preload(past_->events);
    }
}

net::Task<void> LiveRun::execute(std::shared_ptr<LiveRun> keep, std::function<void()> on_end) {
    auto const& spec = context_.spec();
    context_.log.add(
        "run_started",
        {{"run", context_.id},
         {"chain", context_.request.chain},
         {"steps", spec.steps.size()},
         {"resumed", past_.has_value()}}
    );
    co_await journal_.save(stored(), context_.log.take_unsaved());
    net::Timer limit(context_.loop);
    if (spec.timeout) {
        limit.arm(context_.began + *spec.timeout, [this] {
            is_late_ = true;
            canceller_.cancel();
        });
    }
    models_->begin();
    if (!past_ && spec.initial_cleanup.value_or(context_.config.initial_cleanup)) {
        co_await models_->clean_up_first(canceller_);
    }
    auto verdict = co_await flow_.run(canceller_);
    limit.cancel();
    take_verdict(std::move(verdict));

    // Not the run's own canceller: a cancelled run gives back, too.
    net::Canceller cleaning;
    net::Timer longest(context_.loop);
    longest.arm(context_.loop.now() + kLongestCleanup, [&] { cleaning.cancel(); });
    // Who wants nothing unloaded after its step wants it unloaded at the end only if told so.
    bool const cleans_up =
        spec.final_cleanup.value_or(context_.config.final_cleanup && context_.unloads()) &&
        !is_suspended_;
    co_await models_->finish(cleans_up, cleaning);

    took_ = context_.elapsed();
    if (!is_suspended_) {
        ended_ = wall_milliseconds();
    }
    auto last = result();
    last.erase("id");
    last["status"] = to_string(status_);
    context_.log.add("run_finished", std::move(last));
    co_await journal_.save(
        stored(), is_suspended_ ? std::vector<store::StoredEvent>() : context_.log.take_unsaved()
    );
    kLog.info(
        "run of a chain ended",
        {{"chain", std::string_view(context_.request.chain)},
         {"status", to_string(status_)},
         {"seconds", to_seconds(took_)},
         {"error", std::string_view(error_)}},
        context_.id
    );
    context_.log.close();
    on_end();
}

void LiveRun::take_verdict(Verdict verdict) {
    switch (verdict.kind) {
        case Verdict::Kind::Next:
        case Verdict::Kind::Stop:
            status_ = RunStatus::Succeeded;
            output_ = std::move(verdict.text);
            return;
        case Verdict::Kind::Failed:
            status_ = RunStatus::Failed;
            error_ = std::move(verdict.text);
            return;
        default:
            break;
    }
    if (is_suspended_) {
        status_ = RunStatus::Running;
        error_ = "Plimsoll is shutting down; the run goes on when it is started again";
    } else if (is_late_) {
        status_ = RunStatus::Failed;
        error_ = fmt::format(
            "timeout: not done within {}, the run's timeout",
            format_duration(*context_.spec().timeout)
        );
    } else {
        status_ = RunStatus::Cancelled;
        error_ = why_cancelled_;
    }
}

net::Task<Result<void>> LiveRun::wait(net::Canceller* canceller) {
    // Past all events: what is waited for is the end.
    auto const ended = co_await context_.log.next(~std::uint64_t{0}, std::nullopt, canceller);
    co_return ended ? Result<void>() : Result<void>(fail(ended.error()));
}

void LiveRun::cancel(std::string why) {
    if (why_cancelled_.empty()) {
        why_cancelled_ = std::move(why);
    }
    canceller_.cancel();
}

void LiveRun::suspend() {
    // One that is not resumed ends here.
    is_suspended_ = context_.spec().durable;
    cancel("Plimsoll is shutting down");
}

json::object LiveRun::result() const {
    // Loads of steps that were cut off count, too.
    auto loads = models_->total_cost().loads;
    auto loading = models_->total_cost().loading;
    std::uint64_t tokens = 0;
    for (auto const& record : flow_.records()) {
        tokens += record.tokens;
        if (record.is_past) {
            loads += record.loads;
            loading += record.loading;
        }
    }
    return {
        {"id", context_.id},
        {"output", output_},
        {"error", error_.empty() ? json::value(nullptr) : json::value(error_)},
        {"seconds", to_seconds(status_ == RunStatus::Running ? context_.elapsed() : took_)},
        {"loads", loads},
        {"load_seconds", to_seconds(loading)},
        {"tokens", tokens},
    };
}

store::StoredRun LiveRun::stored() const {
    json::object vars;
    for (auto const& [name, value] : context_.request.vars) {
        vars[name] = value;
    }
    return {
        .id = context_.id,
        .chain = context_.request.chain,
        .document = json::serialize(context_.request.document),
        .input = context_.request.input,
        .vars = json::serialize(vars),
        .client = context_.request.client,
        .status = std::string(to_string(status_)),
        .is_durable = context_.spec().durable,
        .is_async = context_.request.is_async,
        .started = started_,
        .ended = ended_,
        .result = json::serialize(result()),
    };
}

json::object LiveRun::view() const {
    auto out = view_of(stored());
    json::array steps;
    for (auto const& record : flow_.records()) {
        steps.push_back(to_json(record));
    }
    out["steps"] = std::move(steps);
    return out;
}

json::object view_of(store::StoredRun const& run) {
    json::object out{
        {"id", run.id},
        {"chain", run.chain.empty() ? json::value(nullptr) : json::value(run.chain)},
        {"status", run.status},
        {"client", run.client},
        {"durable", run.is_durable},
        {"async", run.is_async},
        {"started", time_text(run.started)},
        {"ended", run.ended == 0 ? json::value(nullptr) : json::value(time_text(run.ended))},
    };
    boost::system::error_code broken;
    auto const result = json::parse(run.result, broken);
    if (!broken && result.is_object()) {
        for (auto const& member : result.get_object()) {
            out[member.key()] = member.value();
        }
    }
    return out;
}

}  // namespace plimsoll::chain
