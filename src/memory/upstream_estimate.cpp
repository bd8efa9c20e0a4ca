#include "memory/slots.hpp"

#include <plimsoll/memory/predict.hpp>

#include <algorithm>

namespace plimsoll::memory {

// Up to 512, 1024 or 2048 by the context of all slots; embedders take the context, up to 2048.
std::uint32_t automatic_batch(
    Geometry const& geometry, std::uint32_t num_ctx, std::uint32_t parallel
) {
    std::uint64_t const tokens =
        std::uint64_t{num_ctx} * effective_slots(geometry, {.parallel = parallel});
    if (geometry.is_embedding_only) {
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(2048, tokens));
    }
    if (tokens > 32768) {
        return 2048;
    }
    return tokens > 4096 ? 1024 : 512;
}

// Crude on purpose: it is what Ollama computes, whole division and all. It knows no cache type, no
// windows and no explicit head size.
Bytes upstream_estimate(Geometry const& geometry, Bytes file_size, Settings const& settings) {
    double const head_size =
        geometry.heads == 0 ? 0 : static_cast<double>(geometry.embedding / geometry.heads);
    double const tokens = static_cast<double>(effective_ctx(geometry, settings)) *
                          effective_slots(geometry, settings);
    double const cache = 4.0 * geometry.layers * std::max<std::uint32_t>(geometry.min_kv_heads, 1) *
                         head_size * tokens;
    // Products of hostile numbers stay finite in a double, and Bytes clamps the sum.
    Bytes estimate = file_size + Bytes(1).scaled(cache);
    std::uint32_t const batch = effective_batch(geometry, settings);
    if (batch >= 2048) {
        estimate += gibibytes(2);
    } else if (batch >= 1024) {
        estimate += mebibytes(768);
    }
    return estimate;
}

}  // namespace plimsoll::memory
