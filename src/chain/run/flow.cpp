#include "chain/run/flow.hpp"

#include "chain/spec/json_text.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;
using Kind = Verdict::Kind;

// What jumps and nested loops can add up to; beyond, something is wrong.
constexpr std::size_t kMostExecuted = 20'000;
constexpr std::size_t kMostItems = 10'000;
constexpr std::size_t kMostUpcoming = 8;

std::string_view word_of(Step::Kind kind) {
    switch (kind) {
        case Step::Kind::Prompt:
            return "prompt";
        case Step::Kind::Tool:
            return "tool";
        case Step::Kind::Map:
            return "map";
        default:
            return "loop";
    }
}

std::string_view word_of(BreakerAction::Kind kind) {
    switch (kind) {
        case BreakerAction::Kind::Stop:
            return "stop";
        case BreakerAction::Kind::Jump:
            return "jump";
        default:
            return "retry";
    }
}

Texts texts_of(RunContext const& context) {
    return {
        .original = context.request.input,
        .given = context.request.vars,
        .defaults = context.spec().vars,
        .limit = context.config.max_text,
    };
}

void collect(
    std::vector<Step> const& steps,
    std::size_t from,
    std::size_t to,
    RunModels const& models,
    Duration& at,
    std::vector<Upcoming>& out
) {
    for (std::size_t i = from; i < to && out.size() < kMostUpcoming; ++i) {
        Step const& step = steps[i];
        if (step.kind == Step::Kind::Prompt) {
            out.push_back({&step.model, at});
            at += models.usual_time(step.model);
        }
        collect(step.steps, 0, step.steps.size(), models, at, out);
    }
}

Verdict failed(StepError error, std::string text) {
    return {.kind = Kind::Failed, .text = std::move(text), .target = 0, .error = error};
}

}  // namespace

Flow::Flow(RunContext& context, RunModels& models, std::vector<StepRecord> past, Save save)
    : context_(context),
      models_(models),
      save_(std::move(save)),
      fired_(context.spec().breakers.size(), 0) {
    for (auto& record : past) {
        // What failed, and no breaker knew better, is what a resumed run tries again.
        if (!record.error || record.breaker) {
            record.is_past = true;
            auto key = record.key();
            past_.emplace(std::move(key), std::move(record));
        }
    }
}

net::Task<Verdict> Flow::run(net::Canceller& canceller) {
    Frame frame{.steps = &context_.spec().steps};
    auto const verdict = co_await list(frame, context_.request.input, canceller);
    co_return verdict;
}

net::Task<Verdict> Flow::list(Frame& frame, std::string input, net::Canceller& canceller) {
    while (frame.at < frame.steps->size()) {
        if (canceller.is_cancelled()) {
            co_return Verdict{.kind = Kind::Cancelled};
        }
        auto verdict = co_await step((*frame.steps)[frame.at], frame, input, canceller);
        if (verdict.kind == Kind::Next) {
            input = std::move(verdict.text);
            ++frame.at;
        } else if (verdict.kind == Kind::Jump && frame.is_outermost()) {
            input = std::move(verdict.text);
            frame.at = verdict.target;
        } else {
            co_return verdict;
        }
    }
    co_return Verdict{.kind = Kind::Next, .text = std::move(input)};
}

net::Task<Verdict> Flow::step(
    Step const& step, Frame& frame, std::string const& input, net::Canceller& canceller
) {
    Changes changes;
    auto const& breakers = context_.spec().breakers;
    for (;;) {
        StepRecord record;
        record.place = frame.prefix + std::to_string(frame.at + 1);
        record.execution = ++executions_[record.place];
        record.name = step.name;
        record.kind = word_of(step.kind);
        if (auto const known = past_.find(record.key()); known != past_.end()) {
            record = known->second;
            records_.push_back(record);
            if (record.breaker && *record.breaker < breakers.size()) {
                ++fired_[*record.breaker];
            }
        } else {
            auto verdict = co_await execute(step, frame, input, changes, record, canceller);
            if (verdict.kind != Kind::Next) {
                co_return verdict;
            }
            // Who is told that a step ended finds it so after a crash, too.
            RunLog::Hold const until_saved(context_.log);
            record.breaker = breaker_for(record, frame);
            if (record.breaker) {
                ++fired_[*record.breaker];
                tell(breakers[*record.breaker], record);
            }
            context_.log.add("step_finished", to_json(record));
            co_await save_(record);
            records_.push_back(record);  // first: who is told of it may ask for the whole
        }
        if (!step.name.empty()) {
            frame.outputs[step.name] = record.output;
        }
        if (frame.is_outermost()) {
            frame.outputs[std::to_string(frame.at + 1)] = record.output;
        }
        if (!record.breaker || *record.breaker >= breakers.size()) {
            co_return record.error ? failed(*record.error, record.error_text)
                                   : Verdict{.kind = Kind::Next, .text = record.output};
        }
        auto const& breaker = breakers[*record.breaker];
        if (breaker.then.kind != BreakerAction::Kind::Retry) {
            co_return apply(breaker, record, frame, input);
        }
        changes.model = breaker.then.model ? &*breaker.then.model : changes.model;
        changes.instruction =
            breaker.then.instruction ? &*breaker.then.instruction : changes.instruction;
    }
}

net::Task<Verdict> Flow::execute(
    Step const& step,
    Frame& frame,
    std::string const& input,
    Changes const& changes,
    StepRecord& record,
    net::Canceller& canceller
) {
    if (++executed_ > kMostExecuted) {
        co_return failed(
            StepError::Refused,
            fmt::format("the run has executed {} steps, and may not more", kMostExecuted)
        );
    }
    context_.log.add(
        "step_started",
        {{"step", record.place},
         {"execution", record.execution},
         {"name", record.name},
         {"kind", record.kind},
         {"model",
          step.kind == Step::Kind::Prompt
              ? json::value(changes.model != nullptr ? changes.model->model : step.model.model)
              : json::value(nullptr)}}
    );
    auto const began = context_.loop.now();
    models_.plan(frame.worker, upcoming(frame));
    bool const is_leaf = step.kind == Step::Kind::Prompt || step.kind == Step::Kind::Tool;
    if (is_leaf) {
        auto work = work_of(step, record.place, changes, texts_of(context_), frame, input);
        if (!work) {
            record.error = StepError::Refused;
            record.error_text = work.error().message;
            record.elapsed = context_.elapsed();
            co_return Verdict{};
        }
        Worker worker(context_, models_);
        auto const done = co_await worker.run(std::move(*work), record, canceller);
        co_return Verdict{.kind = done ? Kind::Next : Kind::Cancelled};
    }
    // A second execution must not take the records of the first one's steps for its own.
    auto const prefix = record.execution == 1 ? record.place : record.key();
    auto verdict = step.kind == Step::Kind::Map
                       ? co_await map(step, frame, prefix, input, canceller)
                       : co_await loop(step, frame, prefix, input, canceller);
    if (verdict.kind != Kind::Next && verdict.kind != Kind::Failed) {
        co_return verdict;
    }
    record.took = context_.loop.now() - began;
    record.elapsed = context_.elapsed();
    if (verdict.kind == Kind::Failed) {
        record.error = verdict.error.value_or(StepError::Refused);
        record.error_text = std::move(verdict.text);
    } else {
        record.output = std::move(verdict.text);
    }
    co_return Verdict{};
}

// The items of a map, and those who take one after another.
struct Flow::Items {
    explicit Items(net::Loop& loop) : done(loop) {}

    Step const* step = nullptr;
    Frame const* outer = nullptr;
    std::string prefix;
    std::vector<std::string> items;
    std::vector<std::string> outputs;
    std::size_t next = 0;
    std::size_t working = 0;
    std::optional<Verdict> ended;  // the first that did not go through
    net::Canceller canceller;
    net::Flag done;
};

net::Task<Verdict> Flow::map(
    Step const& step, Frame& frame, std::string prefix, std::string input, net::Canceller& canceller
) {
    auto const text = render(step.items, texts_of(context_), frame, input);
    if (!text) {
        co_return failed(StepError::Refused, text.error().message);
    }
    auto const list = parse_given(*text);
    if (!list || !list->is_array()) {
        co_return failed(
            StepError::Refused, fmt::format("items is no JSON list but: {}", printable(*text, 200))
        );
    }
    auto const& array = list->get_array();
    if (array.size() > kMostItems) {
        co_return failed(
            StepError::Refused,
            fmt::format("items has {} elements, and may have {}", array.size(), kMostItems)
        );
    }
    auto const items = std::make_shared<Items>(context_.loop);
    items->step = &step;
    items->outer = &frame;
    items->prefix = std::move(prefix);
    for (auto const& each : array) {
        items->items.push_back(
            each.is_string() ? std::string(each.get_string()) : json::serialize(each)
        );
    }
    items->outputs.resize(array.size());
    net::Canceller::Registration const passed_on(canceller, [items] { items->canceller.cancel(); });
    items->working = std::min<std::size_t>(step.parallel, array.size());
    for (std::size_t i = 0, count = items->working; i < count; ++i) {
        context_.loop.spawn("items of a map", map_worker(items));
    }
    if (items->working > 0) {
        co_await items->done.wait();
    }
    if (canceller.is_cancelled()) {
        co_return Verdict{.kind = Kind::Cancelled};
    }
    if (items->ended) {
        co_return std::move(*items->ended);
    }
    json::array outputs;
    for (auto const& output : items->outputs) {
        outputs.emplace_back(output);
    }
    co_return Verdict{.kind = Kind::Next, .text = json::serialize(outputs)};
}

net::Task<void> Flow::map_worker(std::shared_ptr<Items> items) {
    std::size_t const worker = ++workers_;
    while (items->next < items->items.size() && !items->ended && !items->canceller.is_cancelled()) {
        std::size_t const index = items->next++;
        Frame frame{.outer = items->outer, .steps = &items->step->steps};
        frame.prefix = fmt::format("{}[{}].", items->prefix, index + 1);
        frame.worker = worker;
        frame.repeats = items->next < items->items.size();
        frame.is_map = true;
        frame.item = items->items[index];
        frame.number = std::to_string(index + 1);
        auto verdict = co_await list(frame, items->items[index], items->canceller);
        if (verdict.kind == Kind::Next) {
            items->outputs[index] = std::move(verdict.text);
        } else if (!items->ended && verdict.kind != Kind::Cancelled) {
            items->ended = std::move(verdict);
            items->canceller.cancel();
        }
    }
    models_.plan(worker, {});
    if (--items->working == 0) {
        items->done.set();
    }
}

net::Task<Verdict> Flow::loop(
    Step const& step, Frame& frame, std::string prefix, std::string input, net::Canceller& canceller
) {
    for (unsigned round = 1; round <= step.max_rounds; ++round) {
        Frame inner{.outer = &frame, .steps = &step.steps};
        inner.prefix = fmt::format("{}[{}].", prefix, round);
        inner.worker = frame.worker;
        inner.repeats = round < step.max_rounds;
        inner.is_loop = true;
        inner.number = std::to_string(round);
        auto verdict = co_await list(inner, std::move(input), canceller);
        if (verdict.kind == Kind::Stop) {
            co_return Verdict{.kind = Kind::Next, .text = std::move(verdict.text)};
        }
        if (verdict.kind != Kind::Next) {
            co_return verdict;
        }
        input = std::move(verdict.text);
    }
    co_return Verdict{.kind = Kind::Next, .text = std::move(input)};
}

std::vector<Upcoming> Flow::upcoming(Frame const& frame) const {
    std::vector<Upcoming> out;
    // The step at hand comes first: what is loaded ahead must not delay it.
    Duration at{};
    collect(*frame.steps, frame.at, frame.at + 1, models_, at, out);
    for (auto const* each = &frame; each != nullptr; each = each->outer) {
        collect(*each->steps, each->at + 1, each->steps->size(), models_, at, out);
        if (each->repeats) {
            collect(*each->steps, 0, each->at + 1, models_, at, out);
        }
    }
    return out;
}

std::optional<std::size_t> Flow::breaker_for(StepRecord const& record, Frame const& frame) const {
    auto const& breakers = context_.spec().breakers;
    StepOutcome const outcome{
        .name = record.name,
        .number = frame.is_outermost() ? frame.at + 1 : 0,
        .output = record.error ? record.error_text : record.output,
        .error = record.error,
        .elapsed = record.elapsed,
    };
    for (std::size_t i = 0; i < breakers.size(); ++i) {
        if (fired_[i] < breakers[i].then.at_most && is_met(breakers[i].when, outcome)) {
            return i;
        }
    }
    return std::nullopt;
}

Verdict Flow::apply(
    Breaker const& breaker, StepRecord const& record, Frame const& frame, std::string const& input
) const {
    auto const given = record.error ? record.error_text : record.output;
    if (breaker.then.kind == BreakerAction::Kind::Jump) {
        auto const& steps = context_.spec().steps;
        auto const target = std::ranges::find(steps, breaker.then.step, &Step::name);
        return {
            .kind = Kind::Jump,
            .text = given,
            .target = static_cast<std::size_t>(target - steps.begin()),
        };
    }
    if (!breaker.then.output) {
        return {.kind = Kind::Stop, .text = given};
    }
    auto output = render(*breaker.then.output, texts_of(context_), frame, input);
    return output ? Verdict{.kind = Kind::Stop, .text = std::move(*output)}
                  : failed(StepError::Refused, output.error().message);
}

void Flow::tell(Breaker const& breaker, StepRecord const& record) {
    json::object event{
        {"step", record.place}, {"breaker", *record.breaker}, {"action", word_of(breaker.then.kind)}
    };
    if (breaker.then.kind == BreakerAction::Kind::Jump) {
        event["to"] = breaker.then.step;
    }
    context_.log.add("breaker", std::move(event));
}

}  // namespace plimsoll::chain
