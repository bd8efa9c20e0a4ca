#include "app/chain_progress.hpp"

#include "app/json_view.hpp"

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/model_name.hpp>
#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::app {
namespace {

constexpr std::size_t kLongestBar = 20;
constexpr std::size_t kShortestBar = 5;
constexpr std::size_t kBesideBar = 4;   // blanks and brackets
constexpr std::size_t kLongest = 2000;  // of a line that stays
constexpr std::size_t kLongestName = 40;
constexpr std::size_t kLongestArguments = 100;

using Line = ChainProgress::Line;

// Always with its tenth, so that the line does not jump while it counts.
std::string moving(Duration time) {
    return time < std::chrono::seconds(100) ? fmt::format("{:.1f} s", to_seconds(time))
                                            : format_duration(time);
}

std::string seconds_of(JsonView field) {
    return format_duration(from_seconds(field.number().value_or(0)));
}

std::string key_of(std::string const& model) {
    auto const name = ModelName::parse(model);
    return name ? name->key() : model;
}

std::string short_text(JsonView field) {
    return printable(field.text(), kLongestName);
}

std::string count_of(std::uint64_t number, std::string_view what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

// "  [####....]", as long as there is room for; never full before the end: an expectation is no
// promise.
std::string bar(Duration elapsed, Duration expected, std::size_t room) {
    if (room < kShortestBar + kBesideBar) {
        return {};
    }
    auto const width = std::min(kLongestBar, room - kBesideBar);
    double const share = std::clamp(to_seconds(elapsed) / to_seconds(expected), 0.0, 0.97);
    auto const filled = static_cast<std::size_t>(share * static_cast<double>(width));
    return "  [" + std::string(filled, '#') + std::string(width - filled, '.') + "]";
}

// "(loaded in 3.1 s, 18.9 GiB)"
std::string memory_of(JsonView record) {
    auto const loads = record["loads"].count();
    auto const bytes = record["bytes"].count();
    std::string out;
    if (loads > 0) {
        out = (loads == 1 ? "loaded" : fmt::format("loaded {} times", loads)) + " in " +
              seconds_of(record["load_seconds"]);
    } else if (bytes > 0) {
        out = "was loaded";
    }
    if (bytes > 0) {
        out += ", " + format_bytes(Bytes(bytes));
    }
    return out.empty() ? out : "  (" + out + ")";
}

Line tool_line(JsonView event) {
    auto const failure = event["error"].text();
    return {
        failure.empty() ? Colour::None : Colour::Yellow,
        fmt::format(
            "step {} calls {} of {}  {}  {}{}",
            short_text(event["step"]),
            short_text(event["tool"]),
            short_text(event["server"]),
            printable(event["arguments"].json(), kLongestArguments),
            seconds_of(event["seconds"]),
            failure.empty() ? "" : "  failed: " + printable(failure, kLongest)
        ),
    };
}

Line breaker_line(JsonView event) {
    auto action = short_text(event["action"]);
    if (auto const target = short_text(event["to"]); !target.empty()) {
        action += " to " + target;
    }
    return {
        Colour::Yellow,
        fmt::format(
            "step {} meets /breakers/{}: {}",
            short_text(event["step"]),
            event["breaker"].count(),
            action
        ),
    };
}

}  // namespace

std::vector<Line> ChainProgress::on_event(boost::json::value const& event, TimePoint now) {
    JsonView const view(event);
    auto const kind = view["event"].text();
    if (kind == "token") {
        count_token(event);
    } else if (kind == "run_started") {
        return {begin(event)};
    } else if (kind == "step_started") {
        active_.push_back({
            .place = short_text(view["step"]),
            .name = short_text(view["name"]),
            .kind = short_text(view["kind"]),
            .model = view["model"].text(),
            .started = now,
        });
    } else if (kind == "step_finished") {
        if (auto line = end_step(event)) {
            return {std::move(*line)};
        }
    } else if (kind.starts_with("model_")) {
        note_load(event, now);
    } else if (kind == "warning") {
        return {{Colour::Yellow, "warning: " + printable(view["text"].text(), kLongest)}};
    } else if (kind == "tool_call") {
        return {tool_line(view)};
    } else if (kind == "breaker") {
        return {breaker_line(view)};
    } else if (kind == "run_finished") {
        active_.clear();
    }
    return {};
}

// Also of a run that goes on after it was resumed: what was under way begins again.
Line ChainProgress::begin(boost::json::value const& event) {
    JsonView const view(event);
    run_ = view["run"].text();
    steps_ = view["steps"].count();
    active_.clear();
    auto const chain = short_text(view["chain"]);
    return {
        Colour::Dim,
        fmt::format(
            "run {}{}{}, {}",
            printable(run_, kLongestName),
            view["resumed"].is_true() ? " goes on" : "",
            chain.empty() ? "" : " of " + chain,
            count_of(steps_, "step")
        ),
    };
}

std::optional<Line> ChainProgress::end_step(boost::json::value const& event) {
    JsonView const record(event);
    auto const place = short_text(record["step"]);
    std::erase_if(active_, [&](Active const& each) { return each.place == place; });
    std::string text = "step " + of_all(place);
    for (auto const& part : {short_text(record["name"]), short_text(record["model"])}) {
        text += part.empty() ? "" : "  " + part;
    }
    auto const kind = short_text(record["kind"]);
    text += kind == "prompt" || kind.empty() ? "" : "  " + kind;
    if (record["error"].exists()) {
        text += "  failed after " + seconds_of(record["seconds"]);
        // Where no breaker catches it, it becomes the run's error, and is said as such.
        if (record["breaker"].exists()) {
            text += ": " + record["error"]["message"].text();
        }
        return Line{Colour::Red, printable(text, kLongest)};
    }
    if (kind == "prompt") {
        text += "  " + count_of(record["tokens"].count(), "token");
    }
    text += "  " + seconds_of(record["seconds"]);
    if (auto const attempts = record["attempts"].count(); attempts > 1) {
        text += fmt::format("  {} attempts", attempts);
    }
    return Line{Colour::None, printable(text + memory_of(record), kLongest)};
}

void ChainProgress::count_token(boost::json::value const& event) {
    JsonView const view(event);
    auto const place = view["step"].text();
    auto const found = std::ranges::find(active_, place, &Active::place);
    if (found == active_.end()) {
        return;
    }
    // What an attempt that failed had said does not count.
    auto const attempt = std::max<std::uint64_t>(view["attempt"].count(), 1);
    if (attempt != found->attempt) {
        found->attempt = attempt;
        found->tokens = 0;
    }
    ++found->tokens;
    found->is_thinking = view["thinking"].is_true();
}

void ChainProgress::note_load(boost::json::value const& event, TimePoint now) {
    JsonView const view(event);
    auto const kind = view["event"].text();
    auto const model = view["model"].text();
    auto& load = loads_[key_of(model)];
    load.model = model;
    if (kind == "model_loading") {
        give_up_loads_ahead();
        load.began = now;
        load.is_loading = true;
        load.is_asked = false;
        load.bytes = view["charge_bytes"].count();
    } else if (kind == "model_loaded") {
        load.is_loading = false;
        load.expected = from_seconds(view["seconds"].number().value_or(0));
        load.bytes = std::max(view["bytes"].count(), load.bytes);
    } else {
        load.is_loading = false;
        load.bytes = 0;
    }
}

// No event tells that a load ahead of its use made way for another. An upstream loads one model at
// a time, so where a load begins the others are over, if no step waits for them.
void ChainProgress::give_up_loads_ahead() {
    for (auto& [key, load] : loads_) {
        bool const is_wanted = std::ranges::any_of(active_, [&](Active const& each) {
            return key_of(each.model) == key;
        });
        load.is_loading = load.is_loading && is_wanted;
    }
}

std::optional<std::string> ChainProgress::unknown_load() {
    for (auto& [key, load] : loads_) {
        if (load.is_loading && !load.expected && !load.is_asked) {
            load.is_asked = true;
            return load.model;
        }
    }
    return std::nullopt;
}

void ChainProgress::on_plan(boost::json::value const& plan, TimePoint now) {
    for (auto const& step : JsonView(plan)["steps"].items()) {
        auto const in = step["in_seconds"].number();
        auto const load = loads_.find(key_of(step["model"].text()));
        if (step["what"].text() == "ready" && in && load != loads_.end() &&
            load->second.is_loading) {
            load->second.expected = now - load->second.began + from_seconds(*in);
            return;
        }
    }
}

// Does something itself, and does not hold other steps.
bool ChainProgress::is_leaf(Active const& step) {
    return step.kind == "prompt" || step.kind == "tool";
}

// The one that began last of those that do something themselves.
ChainProgress::Active const* ChainProgress::focus() const {
    auto const leaf = std::ranges::find_if(active_.rbegin(), active_.rend(), is_leaf);
    if (leaf != active_.rend()) {
        return &*leaf;
    }
    return active_.empty() ? nullptr : &active_.back();
}

// "2 of 3", and "2[1].1" of a step within one.
std::string ChainProgress::of_all(std::string const& place) const {
    bool const is_outermost = parse_u64(place).has_value();
    return is_outermost && steps_ > 0 ? fmt::format("{} of {}", place, steps_) : place;
}

// Models that are loaded ahead for later steps.
std::string ChainProgress::loads_besides(std::string const& key, TimePoint now) const {
    std::string out;
    for (auto const& [each, load] : loads_) {
        if (load.is_loading && each != key) {
            out += fmt::format(
                "  loading {} {}", printable(load.model, kLongestName), moving(now - load.began)
            );
        }
    }
    return out;
}

std::string ChainProgress::state_of(Active const& step, Load const* load, TimePoint now) {
    std::string text;
    if (load != nullptr && load->is_loading) {
        auto const elapsed = now - load->began;
        auto const expected = load->expected.value_or(Duration{});
        text = "loading " + moving(elapsed);
        if (expected > Duration{}) {
            text += (elapsed < expected ? " of ~" : ", expected ~") + moving(expected);
        }
    } else if (step.kind != "prompt") {
        text = step.kind + "  " + moving(now - step.started);
    } else if (step.tokens == 0) {
        text = "waiting " + moving(now - step.started);
    } else {
        text = fmt::format(
            "{}{}  {}",
            step.is_thinking ? "thinking, " : "",
            count_of(step.tokens, "token"),
            moving(now - step.started)
        );
    }
    if (load != nullptr && load->bytes > 0) {
        text += "  " + format_bytes(Bytes(load->bytes));
    }
    return text;
}

std::string ChainProgress::status(TimePoint now, std::size_t width) const {
    auto const* const step = focus();
    if (step == nullptr) {
        return printable(trim(loads_besides({}, now)), width);
    }
    auto const key = step->model.empty() ? std::string() : key_of(step->model);
    auto const found = loads_.find(key);
    auto const* const load = found == loads_.end() ? nullptr : &found->second;
    bool const is_outermost = parse_u64(step->place).has_value();
    std::string text = "step " + step->place;
    text += is_outermost ? fmt::format("/{}", steps_) : "";
    if (auto const leaves = std::ranges::count_if(active_, is_leaf); leaves > 1) {
        text += fmt::format(" (+{})", leaves - 1);
    }
    auto const what = step->model.empty() ? step->name : printable(step->model, kLongestName);
    text += (what.empty() ? "" : "  " + what) + "  " + state_of(*step, load, now);
    if (load != nullptr && load->is_loading && load->expected &&
        now - load->began < *load->expected) {
        text += bar(now - load->began, *load->expected, width - std::min(width, text.size()));
    }
    return printable(text + loads_besides(key, now), width);
}

}  // namespace plimsoll::app
