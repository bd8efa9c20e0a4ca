#include "chain/run/run_models.hpp"

#include "chain/spec/json_text.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/base/text.hpp>

#include <boost/json/parse.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

constexpr Duration kGuess = std::chrono::seconds(10);  // of a request, before the first
constexpr std::size_t kLookAhead = 8;  // steps; what comes later is not kept for its sake
constexpr std::size_t kAnnounced = 2;  // models at a time

std::string key_of(std::string const& model) {
    auto const name = ModelName::parse(model);
    return name ? name->key() : model;
}

// As the engine gave it; null where it did not.
json::value member_of(json::object const& object, std::string_view key) {
    auto const* const value = object.if_contains(key);
    return value == nullptr ? json::value(nullptr) : *value;
}

json::object object_of(std::string const& text) {
    boost::system::error_code broken;
    auto parsed = json::parse(text, broken);
    return broken || !parsed.is_object() ? json::object() : std::move(parsed.get_object());
}

}  // namespace

RunModels::RunModels(RunContext& context) : context_(context) {}

RunModels::~RunModels() = default;

void RunModels::begin() {
    if (!context_.is_managed()) {
        return;
    }
    for (auto* const engine : context_.engines) {
        subscriptions_.push_back(engine->subscribe([this, engine](auto const& event) {
            on_event(event, *engine);
        }));
    }
}

std::optional<std::uint32_t> RunModels::most_loaded() const {
    auto const& own = context_.spec().management.max_loaded_models;
    return own ? own : context_.config.max_loaded_models;
}

void RunModels::say(std::string_view text) {
    if (context_.is_verbose()) {
        kLog.info(fmt::format("Model management: {}", text), {}, context_.id);
    }
}

net::Task<void> RunModels::clean_up_first(net::Canceller& canceller) {
    if (!context_.is_managed()) {
        co_return;
    }
    say("initial cleanup, checking for loaded models");
    for (auto* const engine : context_.engines) {
        auto const report = co_await engine->cleanup(canceller);
        for (auto const& model : report.unloaded) {
            say("initial cleanup unloaded " + model);
        }
        for (auto const& kept : report.kept) {
            say("initial cleanup left " + kept);
        }
    }
}

// Of any client's requests for one of our models: it is the same model in the same memory.
void RunModels::on_event(engine::EngineEvent const& event, engine::Engine& engine) {
    auto const found = held_.find(key_of(event.model));
    if (found == held_.end() || found->second.engine != &engine) {
        return;
    }
    auto& held = found->second;
    auto const numbers = object_of(event.json);
    if (event.kind == "load") {
        say(fmt::format("loading {}", event.model));
        say(fmt::format(
            "setting the context length of {} to {}", event.model, number_member(numbers, "num_ctx")
        ));
        context_.log.add(
            "model_loading",
            {{"model", event.model},
             {"num_ctx", member_of(numbers, "num_ctx")},
             {"charge_bytes", member_of(numbers, "charge_bytes")},
             {"expected_seconds", member_of(numbers, "expected_seconds")},
             {"why", event.text}}
        );
    } else if (event.kind == "loaded") {
        auto const seconds = number_member(numbers, "seconds");
        for (auto* const cost : {&held.cost, &total_}) {
            ++cost->loads;
            cost->loading += from_seconds(seconds);
        }
        say(fmt::format(
            "successfully loaded {} in {:.2f}s (VRAM: {:.0f}MB)",
            event.model,
            seconds,
            number_member(numbers, "size_vram_bytes") / (1 << 20)
        ));
        context_.log.add(
            "model_loaded",
            {{"model", event.model},
             {"seconds", seconds},
             {"bytes", member_of(numbers, "size_vram_bytes")},
             {"num_ctx", member_of(numbers, "num_ctx")}}
        );
    } else if (event.kind == "abort" || event.kind == "load_failed") {
        say(event.text);
        context_.log.add("model_unloaded", {{"model", event.model}, {"why", event.text}});
    } else if (event.kind == "unload") {
        say("unloading " + event.model);
    } else if (event.kind == "unloaded") {
        held.is_loaded = held.users > 0;
        say("successfully unloaded " + event.model);
        context_.log.add(
            "model_unloaded",
            {{"model", event.model}, {"seconds", number_member(numbers, "seconds")}}
        );
        notify();
    }
}

net::Task<Result<void>> RunModels::enter(
    engine::Engine& engine, std::string model, net::Canceller& canceller
) {
    auto const key = key_of(model);
    auto const most = context_.is_managed() ? most_loaded() : std::nullopt;
    for (;;) {
        std::size_t others = 0;
        for (auto const& [each, held] : held_) {
            bool const counts = held.is_loaded || held.users > 0 || held.is_leaving;
            others += each != key && counts ? 1 : 0;
        }
        if (!most || others < *most) {
            break;
        }
        // The one that is needed last goes; those that are in use are waited for.
        if (auto const victim = least_needed(key); !victim.empty()) {
            start_release(victim);
        }
        auto const changed = co_await wait_for_change(&canceller);
        if (!changed) {
            co_return changed;
        }
    }
    auto& held = held_[key];
    held.engine = &engine;
    held.model = std::move(model);
    held.is_loaded = true;
    ++held.users;
    co_return Result<void>();
}

void RunModels::leave(std::size_t worker, std::string const& model, bool is_kept) {
    auto const key = key_of(model);
    auto& held = held_[key];
    --held.users;
    if (auto const plan = plans_.find(worker); plan != plans_.end() && !plan->second.empty()) {
        plan->second.erase(plan->second.begin());  // what has been is not to come
    }
    if (held.users == 0 && context_.unloads() && !is_kept && !held.is_leaving) {
        announce();  // first, or what a later step uses would be unloaded
        start_release(key);
    }
    notify();
}

RunModels::Cost RunModels::take_cost(std::string const& model) {
    auto const key = key_of(model);
    auto const found = held_.find(key);
    if (found == held_.end()) {
        return {};
    }
    auto const snapshot = found->second.engine->snapshot();
    auto const instance = std::ranges::find_if(snapshot.instances, [&](auto const& each) {
        return key_of(each.model) == key;
    });
    auto cost = std::exchange(found->second.cost, {});
    cost.bytes = instance == snapshot.instances.end() ? Bytes() : instance->charge;
    return cost;
}

Duration RunModels::usual_time(ModelUse const& use) const {
    auto const found = held_.find(key_of(use.model));
    return found == held_.end() || found->second.usual == Duration{} ? kGuess : found->second.usual;
}

void RunModels::note_time(std::string const& model, Duration took) {
    auto& usual = held_[key_of(model)].usual;
    usual = usual == Duration{} ? took : (usual + took) / 2;
}

std::vector<Upcoming> RunModels::all_upcoming() const {
    std::vector<Upcoming> all;
    for (auto const& [worker, list] : plans_) {
        all.insert(all.end(), list.begin(), list.end());
    }
    std::ranges::sort(all, {}, &Upcoming::in);
    return all;
}

// The soonest use of each model to come, as many as this run may have in memory.
std::map<std::string, Upcoming> RunModels::to_announce() const {
    auto const most = most_loaded();
    std::set<std::string> occupied;
    for (auto const& [key, held] : held_) {
        if (held.users > 0 || held.is_loaded || held.is_leaving) {
            occupied.insert(key);
        }
    }
    std::map<std::string, Upcoming> wanted;
    for (auto const& each : all_upcoming()) {
        auto const key = key_of(each.use->model);
        auto const held = held_.find(key);
        bool const is_in_use = held != held_.end() && held->second.users > 0;
        if (is_in_use || wanted.contains(key)) {
            continue;
        }
        bool const is_room = !most || occupied.contains(key) || occupied.size() < *most;
        if (wanted.size() >= kAnnounced || !is_room) {
            break;  // what comes later must not take the place of what comes first
        }
        occupied.insert(key);
        wanted.emplace(key, each);
    }
    return wanted;
}

// Of those that could be unloaded now; empty: none.
std::string RunModels::least_needed(std::string const& but) const {
    auto const upcoming = all_upcoming();
    auto const turn_of = [&](std::string const& key) {
        auto const next = std::ranges::find_if(upcoming, [&](Upcoming const& each) {
            return key_of(each.use->model) == key;
        });
        return next - upcoming.begin();
    };
    std::string found;
    for (auto const& [key, held] : held_) {
        bool const can_go = key != but && held.is_loaded && held.users == 0 && !held.is_leaving;
        if (can_go && (found.empty() || turn_of(key) > turn_of(found))) {
            found = key;
        }
    }
    return found;
}

void RunModels::plan(std::size_t worker, std::vector<Upcoming> upcoming) {
    upcoming.resize(std::min(upcoming.size(), kLookAhead));
    if (upcoming.empty()) {
        plans_.erase(worker);
    } else {
        plans_[worker] = std::move(upcoming);
    }
    if (context_.is_managed()) {
        announce();
    }
}

// What is planned is what is announced: looking a model up may take a moment, and the plan may
// change meanwhile.
void RunModels::announce() {
    must_announce_ = true;
    if (!is_announcing_) {
        is_announcing_ = true;
        ++tasks_;
        context_.loop.spawn("announce steps of a chain", announce_all(shared_from_this()));
    }
}

net::Task<void> RunModels::announce_all(std::shared_ptr<RunModels> keep) {
    while (std::exchange(must_announce_, false) && !is_finishing_) {
        auto const wanted = to_announce();
        std::erase_if(announced_, [&](auto const& each) { return !wanted.contains(each.first); });
        for (auto const& [key, upcoming] : wanted) {
            if (auto const known = announced_.find(key); known != announced_.end()) {
                known->second.handle.expect_in(upcoming.in);
                continue;
            }
            auto const engine = co_await find_engine(context_.engines, *upcoming.use);
            if (!engine || is_finishing_) {
                continue;  // the step itself will say what is wrong
            }
            auto handle =
                co_await (*engine)->announce(acquire_request(context_, *upcoming.use), upcoming.in);
            if (handle && !is_finishing_) {
                auto& held = held_[key];  // so that its load is told of
                held.engine = *engine;
                held.model = upcoming.use->model;
                announced_[key] = Announced{upcoming.use->model, std::move(*handle)};
            }
        }
    }
    is_announcing_ = false;
    --tasks_;
    notify();
}

void RunModels::start_release(std::string const& key) {
    auto& held = held_[key];
    held.is_leaving = true;
    ++tasks_;
    context_.loop.spawn("release " + held.model, release(shared_from_this(), key));
}

net::Task<void> RunModels::release(std::shared_ptr<RunModels> keep, std::string key) {
    using End = engine::Released::End;
    auto const model = held_[key].model;
    while (is_announcing_) {
        auto const changed = co_await wait_for_change(nullptr);
        static_cast<void>(changed);
    }
    auto const released = co_await held_[key].engine->release(model, context_.client(), releasing_);
    auto& held = held_[key];
    held.is_leaving = false;
    // One that stays for others is no longer this run's.
    bool const is_announced = announced_.contains(key);
    held.is_loaded = held.users > 0 || (released.end == End::Kept && is_announced);
    if (released.end == End::Stuck) {
        context_.warn(fmt::format(
            "unload failed: {} may still be loaded: {}; its memory stays charged",
            model,
            released.why
        ));
    } else if (released.end == End::Kept) {
        say(fmt::format(
            "{} stays loaded: {}", model, is_announced ? "a later step uses it" : released.why
        ));
    }
    --tasks_;
    notify();
}

net::Task<void> RunModels::finish(bool does_clean_up, net::Canceller& canceller) {
    is_finishing_ = true;
    plans_.clear();
    announced_.clear();
    net::Canceller::Registration const passed_on(canceller, [this] { releasing_.cancel(); });
    if (does_clean_up && context_.is_managed()) {
        say("final cleanup");
        for (auto& [key, held] : held_) {
            if (held.engine != nullptr && !held.is_leaving) {
                start_release(key);
            }
        }
    }
    while (tasks_ > 0) {
        auto const changed = co_await wait_for_change(nullptr);
        static_cast<void>(changed);
    }
    subscriptions_.clear();
}

net::Task<Result<void>> RunModels::wait_for_change(net::Canceller* canceller) {
    net::Flag flag(context_.loop);
    auto const place = watchers_.insert(watchers_.end(), &flag);
    auto const woken = co_await flag.wait(std::nullopt, canceller);
    watchers_.erase(place);
    co_return woken;
}

void RunModels::notify() {
    for (auto* const flag : watchers_) {
        flag->set();
    }
}

}  // namespace plimsoll::chain
