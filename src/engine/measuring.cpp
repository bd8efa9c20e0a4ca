// What loads show of the predictions: sizes from the upstream's list, the process from the driver.
#include "engine/impl.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::engine {
namespace {

// Outside of these something else came or went on the device meanwhile.
constexpr Bytes kLeastProcess = mebibytes(16);
constexpr Bytes kMostProcess = gibibytes(2);

struct ReadCards {
    explicit ReadCards(net::Loop& loop) : done(loop) {}

    net::Flag done;
    Result<std::vector<probe::Card>> cards;
};

double ratio_of(Bytes measured, Bytes predicted) {
    return static_cast<double>(measured.count()) /
           static_cast<double>(std::max<std::uint64_t>(predicted.count(), 1));
}

}  // namespace

// Kept only when two lists in a row agree: one that lies would raise the charge for good.
void Engine::Impl::learn_size(core::Row const& row) {
    auto& last = last_sizes[row.weights];
    bool const is_steady = last == row.size;
    last = row.size;
    if (!is_steady || !row.known_form || !row.known_settings) {
        return;
    }
    auto const key = settings_key(*row.known_form, *row.known_settings);
    if (measurements.seen(row.weights, key, row.size, row.size_vram)) {
        ++demand_epoch;
        auto const* known = measurements.known(row.weights);
        auto const bytes = taken(row.size, row.size_vram);
        if (known != nullptr && known->charge < bytes) {
            auto raised = *known;
            raised.charge = bytes;
            measurements.remember(row.weights, std::move(raised));
        }
    }
    if (unsized.erase(row.weights) != 0) {
        count_size(row, key);
    }
}

// Once for each load.
void Engine::Impl::count_size(core::Row const& row, std::string const& key) {
    auto const fact = facts->by_weights(row.weights);
    if (!fact) {
        return;
    }
    auto const& geometry = fact->info->geometry;
    auto const settings = memory_settings(*row.known_settings, config);
    if (!geometry.is_complete ||
        !memory::is_listed_fully(geometry, settings, row.size, row.size_vram)) {
        return;
    }
    auto const server = server_text(config, last_health.version);
    auto const sizes = measurements.sized(row.weights, key, server, row.size_vram);
    ++demand_epoch;
    auto const predicted =
        memory::listed_part(memory::predict(geometry, fact->info->file_size, settings));
    double const ratio = ratio_of(row.size_vram, predicted);
    auto const bar = calibration.error_bar();
    if (ratio < bar.low || ratio > bar.high) {
        note_contradiction(row, predicted, bar);
    }
    // One sample of each model and settings: those that are loaded often would drown the others.
    if (sizes.bytes.count == 1) {
        calibration.add_ratio(ratio);
        tell_calibration();
    }
}

void Engine::Impl::tell_calibration() const {
    for (auto const& observer : observers) {
        observer->on_calibrated(calibration.ratios());
    }
}

void Engine::Impl::note_contradiction(
    core::Row const& row, Bytes predicted, memory::ErrorBar const& bar
) {
    auto const sentence = fmt::format(
        "{} measures {}, where {} were predicted ({:+.1f} %, expected were {:+.1f} to {:+.1f} %); "
        "{}",
        row.model,
        format_bytes(row.size_vram),
        format_bytes(predicted),
        100 * (ratio_of(row.size_vram, predicted) - 1),
        100 * (bar.low - 1),
        100 * (bar.high - 1),
        row.size_vram > predicted ? "the measured size is charged"
                                  : "the predicted size is charged until three loads agree"
    );
    kLog.warning(sentence);
    events.add(
        "contradiction",
        row.model,
        sentence,
        {{"measured_bytes", row.size_vram.count()}, {"predicted_bytes", predicted.count()}}
    );
}

// What is in use on each card now; nothing where no driver tells.
net::Task<std::optional<core::PerCard>> Engine::Impl::read_used() {
    if (!device_probe) {
        co_return std::nullopt;
    }
    auto const read = std::make_shared<ReadCards>(loop);
    loop.run_blocking(
        [read, probe = device_probe] { read->cards = probe->read(); }, [read] { read->done.set(); }
    );
    co_await read->done.wait();
    if (!read->cards) {
        if (!is_device_failing) {
            is_device_failing = true;
            kLog.warning("the GPU's memory cannot be read: " + read->cards.error().message);
        }
        co_return std::nullopt;
    }
    is_device_failing = false;
    core::PerCard used;
    for (auto const& card : *read->cards) {
        used.push_back(card.used);
    }
    co_return used;
}

// What a load that nothing else overlapped took, and of which card.
net::Task<void> Engine::Impl::measure_load(
    std::shared_ptr<Impl> keep, core::Demand demand, LoadWatch watch, core::LoadSucceeded event
) {
    TaskCount const count(keep);
    if (!watch.was_settled || watch.changes != device_changes) {
        co_return;
    }
    auto const after = co_await read_used();
    if (!after || watch.changes != device_changes || after->size() != watch.used_before->size()) {
        co_return;
    }
    Bytes taken;
    for (std::size_t i = 0; i < after->size(); ++i) {
        taken += (*after)[i] - (*watch.used_before)[i];
    }
    place_loaded(event.instance, *watch.used_before, *after);
    learn_process(demand, event, taken);
}

// The process: what the device lost to the load, less what the list shows.
void Engine::Impl::learn_process(
    core::Demand const& demand, core::LoadSucceeded const& event, Bytes taken
) {
    auto const fact = facts->peek(demand.model);
    if (!fact) {
        return;
    }
    auto const settings = memory_settings(demand.settings, config);
    if (!memory::is_listed_fully(fact->info->geometry, settings, event.size, event.size_vram)) {
        return;
    }
    auto const process = taken - event.size_vram;
    if (process < kLeastProcess || process > kMostProcess) {
        return;
    }
    auto const before = calibration.device(config.device).overhead;
    calibration.add_process(process);
    auto const overhead = calibration.device(config.device).overhead;
    if (overhead != before) {
        ++demand_epoch;
        kLog.info(
            "a process takes " + format_mib(process) + " beside its model on this device; " +
            format_mib(overhead) + " are booked for it from now on"
        );
    }
}

}  // namespace plimsoll::engine
