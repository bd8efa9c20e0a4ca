#include "memory/slots.hpp"

#include <plimsoll/memory/predict.hpp>

#include <algorithm>

namespace plimsoll::memory {

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
