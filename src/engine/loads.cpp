#include "engine/impl.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::engine {
namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(5);

core::Row const* find_row(std::vector<core::Row> const& rows, std::string const& weights) {
    auto const found = std::ranges::find(rows, weights, &core::Row::weights);
    return found == rows.end() ? nullptr : &*found;
}

std::string_view words_of(core::LoadFailure failure) {
    switch (failure) {
        case core::LoadFailure::OutOfMemory:
            return "out of memory";
        case core::LoadFailure::NotFound:
            return "not found";
        case core::LoadFailure::Timeout:
            return "no progress";
        case core::LoadFailure::UpstreamDown:
            return "connection lost";
        case core::LoadFailure::Busy:
            return "the upstream is busy";
        case core::LoadFailure::Refused:
            return "refused";
        case core::LoadFailure::Aborted:
            return "given up";
    }
    return "failed";
}

}  // namespace

net::Task<void> Engine::Impl::run_load(
    std::shared_ptr<Impl> keep, core::Load action, std::shared_ptr<net::Canceller> canceller
) {
    TaskCount const count(keep);
    auto const& demand = action.demand;
    auto const sent = loop.now();
    // Before it is sent: a crash in mid-load must not leave a row that nobody knows.
    measurements.remember(
        demand.weights,
        KnownSettings{
            .form = demand.form,
            .settings = demand.settings,
            .charge = demand.charge,
            .model = demand.model
        }
    );
    upstream::LoadRequest request;
    request.model = demand.model;
    request.form = demand.form;
    request.settings = demand.settings;
    auto const fact = facts->peek(demand.model);
    request.is_embedding_only = fact && fact->info->geometry.is_embedding_only;
    LoadWatch watch;
    watch.used_before = co_await read_used();
    if (watch.used_before) {
        note_others(*watch.used_before);
    }
    watch.was_settled = is_device_settled();
    note_device_change();
    watch.changes = device_changes;
    auto const loaded = co_await provider.load(std::move(request), *canceller);
    if (canceller->is_cancelled()) {
        load_failed(action, core::LoadFailure::Aborted, {});
    } else if (!loaded) {
        load_failed(action, loaded.error().failure, loaded.error().text);
    } else {
        co_await load_succeeded(action, sent, std::move(watch));
    }
}

void Engine::Impl::load_failed(
    core::Load const& action, core::LoadFailure failure, std::string const& text
) {
    auto const& demand = action.demand;
    loading.erase(static_cast<std::uint64_t>(action.instance));
    bool const is_aborted = failure == core::LoadFailure::Aborted;
    if (!is_aborted) {
        auto const sentence = fmt::format(
            "Loading {} failed: {}{}{}",
            demand.model,
            words_of(failure),
            text.empty() ? "" : ": ",
            printable(text)
        );
        kLog.warning(sentence, {{"charge", format_mib(demand.charge)}});
        events.add("load_failed", demand.model, sentence);
    }
    step(core::LoadFailed{.instance = action.instance, .failure = failure, .text = printable(text)}
    );
    if (!is_aborted) {
        // Any failure may have taken other models with it, or have left the row behind.
        request_poll();
    }
    if (failure == core::LoadFailure::UpstreamDown) {
        kick_health();
    }
}

net::Task<void> Engine::Impl::load_succeeded(
    core::Load const& action, TimePoint sent, LoadWatch watch
) {
    auto const& demand = action.demand;
    auto const took = loop.now() - sent;
    auto const asked = loop.now();
    auto const rows = co_await read_rows();
    auto const in_flight = loading.find(static_cast<std::uint64_t>(action.instance));
    bool const is_given_up =
        in_flight != loading.end() && in_flight->second.canceller->is_cancelled();
    if (is_given_up) {
        load_failed(action, core::LoadFailure::Aborted, {});
        co_return;
    }
    core::LoadSucceeded event{
        .instance = action.instance, .size = {}, .size_vram = {}, .num_ctx = 0, .took = took
    };
    if (auto const* row = rows ? find_row(*rows, demand.weights) : nullptr) {
        if (co_await fell_to_cpu(action, *row)) {
            co_return;
        }
        event.size = row->size;
        event.size_vram = row->size_vram;
        event.num_ctx = row->num_ctx;
    }
    loading.erase(static_cast<std::uint64_t>(action.instance));
    event.charge = charge_as_listed(demand, event.num_ctx);
    raise_to_listed(demand, event);
    remember_loaded(demand, event);
    unsized.insert(demand.weights);
    if (watch.used_before) {
        loop.spawn("measuring", measure_load(shared_from_this(), demand, std::move(watch), event));
    }
    step(event);
    if (rows) {
        step(core::Observed{.rows = *rows, .asked = asked});
    } else {
        note_failure(rows.error());
        request_poll();
    }
}

// A bare load was booked for the context that was expected, or for the largest possible; the list
// says which it got.
std::optional<Bytes> Engine::Impl::charge_as_listed(
    core::Demand const& demand, std::uint32_t num_ctx
) const {
    auto const fact = facts->peek(demand.model);
    if (!fact || demand.form != core::Form::Bare || num_ctx == 0) {
        return std::nullopt;
    }
    auto settings = demand.settings;
    settings.num_ctx = num_ctx;
    return charge_of(
        *fact->info,
        policy_of(config, fact->key),
        demand.form,
        settings,
        demand_context(demand.weights)
    );
}

// The upstream does not fail where too little is free: it leaves layers to the CPU, in silence.
// True if the load was given up for that.
net::Task<bool> Engine::Impl::fell_to_cpu(core::Load const& action, core::Row const& row) {
    auto const& demand = action.demand;
    // A host without a card has everything on the CPU, and that is no fall.
    bool const has_card = !row.size_vram.is_zero() || config.scheduler.device_total.has_value();
    if (row.size_vram >= row.size || !has_card || demand.settings.options.num_gpu) {
        co_return false;
    }
    bool const shrinks = config.cpu_fallback == CpuFallback::Shrink && shrink(demand, row);
    bool const is_given_up = shrinks || config.cpu_fallback == CpuFallback::Refuse;
    auto const sentence = fmt::format(
        "{} was loaded with {} of {} on the GPU, the rest runs on the CPU: too little was free; {}",
        demand.model,
        format_bytes(row.size_vram),
        format_bytes(row.size),
        shrinks       ? fmt::format("a context of {} would fit", ctx_caps.at(demand.weights))
        : is_given_up ? "such loads are refused (cpu_fallback)"
                      : "lower the budget, or see cpu_fallback"
    );
    kLog.warning(sentence);
    events.add(
        "cpu_fallback",
        demand.model,
        sentence,
        {{"size_bytes", row.size.count()}, {"size_vram_bytes", row.size_vram.count()}}
    );
    if (!is_given_up) {
        co_return false;
    }
    auto const unloaded = co_await provider.unload(demand.model);
    if (!unloaded) {
        note_failure(unloaded.error());
    }
    load_failed(action, core::LoadFailure::OutOfMemory, sentence);
    co_return true;
}

// The context that fits what the device gave. False: there is none, or the load named none.
bool Engine::Impl::shrink(core::Demand const& demand, core::Row const& row) {
    auto const fact = facts->peek(demand.model);
    if (!fact || demand.form != core::Form::Pinned) {
        return false;
    }
    auto const fitting = memory::largest_num_ctx(
        fact->info->geometry,
        fact->info->file_size,
        memory_settings(demand.settings, config),
        memory::Device{.overhead = {}},
        row.size_vram,
        memory::FitBy::Predicted
    );
    if (!fitting || *fitting >= demand.settings.num_ctx) {
        return false;
    }
    ctx_caps[demand.weights] = *fitting;
    ++demand_epoch;
    return true;
}

// A list never shows more than there is, and nothing of the process.
void Engine::Impl::raise_to_listed(core::Demand const& demand, core::LoadSucceeded& event) const {
    auto const fact = facts->peek(demand.model);
    if (event.size_vram.is_zero() || !fact || policy_of(config, fact->key).vram) {
        return;
    }
    auto const least = event.size_vram + calibration.device(config.device).overhead;
    if (least > event.charge.value_or(demand.charge)) {
        event.charge = least;
    }
}

// What the next life, the next load of this model and people should know of it.
void Engine::Impl::remember_loaded(core::Demand const& demand, core::LoadSucceeded const& event) {
    auto settings = demand.settings;
    if (demand.form == core::Form::Bare && event.num_ctx != 0) {
        settings.num_ctx = event.num_ctx;
    }
    auto const size = taken(event.size, event.size_vram);
    auto const charge = std::max(event.charge.value_or(demand.charge), size);
    measurements.remember(
        demand.weights,
        KnownSettings{
            .form = demand.form, .settings = settings, .charge = charge, .model = demand.model
        }
    );
    measurements.loaded(demand.weights, settings_key(demand.form, settings), event.took);
    ++demand_epoch;
    auto const fact = facts->peek(demand.model);
    if (fact && demand.form == core::Form::Bare) {
        learn_default_num_ctx(event.num_ctx, *fact->info);
    }
    auto const sentence = fmt::format(
        "Loaded {} in {} (VRAM {})",
        demand.model,
        format_duration(event.took),
        format_mib(size.is_zero() ? charge : size)
    );
    kLog.info(
        sentence, {{"num_ctx", std::uint64_t{settings.num_ctx}}, {"charge", format_mib(charge)}}
    );
    events.add(
        "loaded",
        demand.model,
        sentence,
        {{"seconds", to_seconds(event.took)},
         {"size_bytes", event.size.count()},
         {"size_vram_bytes", event.size_vram.count()},
         {"num_ctx", settings.num_ctx}}
    );
}

// The name that the row is listed by comes first. Another name of the same weights reaches the same
// runner, also when the first was deleted meanwhile.
std::vector<std::string> Engine::Impl::unload_names(core::Unload const& action) const {
    std::vector<std::string> names = {action.model};
    for (auto& name : facts->names_of(action.weights)) {
        if (name != action.model) {
            names.push_back(std::move(name));
        }
    }
    std::ranges::rotate(
        names, names.begin() + static_cast<std::ptrdiff_t>((action.attempt - 1) % names.size())
    );
    return names;
}

net::Task<void> Engine::Impl::run_unload(std::shared_ptr<Impl> keep, core::Unload action) {
    TaskCount const count(keep);
    note_device_change();
    // Watched from the moment of sending: some runners answer only when all is done.
    auto const known = measurements.known(action.weights);
    auto const watched = std::ranges::find(unloading, action.instance, &UnloadWatch::instance);
    if (watched == unloading.end()) {
        if (known != nullptr) {
            measurements.answered(
                action.weights,
                settings_key(known->form, known->settings),
                scheduler.answer_time(action.instance)
            );
        }
        unloading.push_back(UnloadWatch{
            .instance = action.instance,
            .model = action.model,
            .weights = action.weights,
            .settings =
                known == nullptr ? std::string{} : settings_key(known->form, known->settings),
            .sent = loop.now(),
            .next = loop.now() + kFirstPause,
            .pause = kFirstPause,
        });
    } else {
        watched->is_repeated = true;
        watched->pause = kFirstPause;
        watched->next = loop.now() + kFirstPause;
    }
    arm();
    Error last;
    for (auto const& name : unload_names(action)) {
        auto const sent = co_await provider.unload(name);
        if (sent) {
            co_return;
        }
        last = sent.error();
        if (last.code != Errc::NotFound) {
            break;
        }
    }
    note_failure(last);
    step(core::UnloadFailed{.instance = action.instance, .text = printable(last.message)});
}

void Engine::Impl::unload_ended(UnloadWatch const& watch) {
    note_device_change();
    auto const took = loop.now() - watch.sent;
    for (auto const& observer : observers) {
        observer->on_unloaded(took);
    }
    auto const sentence = fmt::format("Unloaded {} in {}", watch.model, format_duration(took));
    kLog.info(sentence);
    events.add("unloaded", watch.model, sentence, {{"seconds", to_seconds(took)}});
    if (!watch.settings.empty() && !watch.is_repeated) {
        measurements.unloaded(watch.weights, watch.settings, took);
        ++demand_epoch;
    }
    // Not if it is being loaded again already.
    bool const is_back = std::ranges::any_of(loading, [&](auto const& entry) {
        return entry.second.weights == watch.weights;
    });
    if (!is_back) {
        measurements.forget_row(watch.weights);
    }
}

}  // namespace plimsoll::engine
