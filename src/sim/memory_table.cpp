#include "sim/memory_table.hpp"

#include "sim/settings.hpp"

#include <algorithm>
#include <cmath>

namespace plimsoll::sim {

namespace {

constexpr std::uint64_t pad(std::uint64_t value, std::uint64_t to) {
    return (value + to - 1) / to * to;
}

// Bytes of one cached number against f16: blocks of 32 numbers with a scale each.
double cache_ratio(std::string_view kv_type) {
    if (kv_type == "q8_0") {
        return 34.0 / 64.0;
    }
    if (kv_type == "q4_0") {
        return 18.0 / 64.0;
    }
    return kv_type == "f32" ? 2.0 : 1.0;
}

struct Cells {
    std::uint64_t full = 0;    // per slot
    std::uint64_t window = 0;  // per slot
    std::uint64_t batch = 0;
};

Cells cells_of(MemoryTable const& table, RunnerSettings const& settings) {
    Cells out;
    auto const total = pad(std::uint64_t{settings.num_ctx} * settings.slots, 256);
    out.full = pad(total / settings.slots, 256);
    out.batch = std::min<std::uint64_t>(
        settings.num_batch, std::uint64_t{settings.num_ctx} * settings.slots
    );
    if (table.window != 0) {
        out.window = pad(std::min(out.full, table.window + out.batch), 256);
    }
    return out;
}

std::uint64_t compute_bytes(
    MemoryTable const& table, Cells const& cells, unsigned slots, bool quantized
) {
    auto const mask = table.encoder ? 2 * cells.batch * cells.batch
                                    : 2 * cells.batch * (cells.full + cells.window);
    auto work = table.compute_per_batch_token * cells.batch;
    if (quantized) {
        work = std::max(
            work,
            table.quantized_per_batch_token * cells.batch +
                table.quantized_per_token * cells.full * slots
        );
    }
    return mask + work + table.compute_fixed;
}

Bytes part(std::uint64_t bytes, double share) {
    return Bytes(static_cast<std::uint64_t>(std::ceil(static_cast<double>(bytes) * share)));
}

}  // namespace

Footprint footprint(
    Model const& model, RunnerSettings const& settings, std::string_view kv_type, double on_device
) {
    auto const& table = model.weights->memory;
    auto const cells = cells_of(table, settings);
    auto const ratio = cache_ratio(kv_type);
    auto const cache = [&](std::uint64_t per_token, std::uint64_t of) {
        return static_cast<std::uint64_t>(
            std::ceil(static_cast<double>(per_token * of * settings.slots) * ratio)
        );
    };
    auto const full = cache(table.kv_per_token, cells.full);
    auto const window = cache(table.kv_window_per_token, cells.window);
    auto const state = table.fixed_per_slot * settings.slots;
    auto const compute = compute_bytes(table, cells, settings.slots, ratio < 1);
    // Two cache lines under one key: the runner's log keeps the last, the windowed one (a known
    // under-report).
    auto const seen = table.device.count() + (window != 0 ? window : full) + state + compute;

    Footprint out;
    if (on_device <= 0) {
        out.shown = Bytes(seen);
        return out;
    }
    out.truth = part(table.device.count() + full + window + state, on_device) + Bytes(compute) +
                table.overhead;
    if (auto const& projector = model.weights->projector) {
        out.truth += projector->device + projector->compute;
    }
    out.shown = Bytes(seen);
    out.shown_vram =
        on_device >= 1 ? Bytes(seen) : part(seen - compute, on_device) + Bytes(compute);
    return out;
}

Bytes own_estimate(Weights const& weights, RunnerSettings const& settings) {
    auto const ctx =
        std::min<std::uint64_t>(settings.num_ctx, weights.trained_ctx) * settings.slots;
    auto const per_head = weights.heads == 0 ? 0 : weights.embedding_length / weights.heads;
    Bytes out = weights.file +
                Bytes(4 * std::uint64_t{weights.layers} * weights.min_kv_heads * per_head * ctx);
    if (settings.num_batch >= 2048) {
        out += gibibytes(2);
    } else if (settings.num_batch >= 1024) {
        out += mebibytes(768);
    }
    return out;
}

}  // namespace plimsoll::sim
