#pragma once
// What `plimsoll estimate` and POST /plimsoll/v1/estimate answer: a prediction, how it grows with
// the context, and the largest context of a budget. Pure.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/memory/predict.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace plimsoll::memory {

struct EstimateQuery {
    Settings settings;  // num_ctx as wished; it is clamped as the upstream does
    Device device;
    std::optional<Bytes> fit;  // find the largest context whose bytes are at most these
    FitBy fit_by = FitBy::Predicted;
};

// One point of bytes over context.
struct ContextPoint {
    std::uint32_t num_ctx = 0;  // tokens
    Bytes weights;  // weights, projector, drafting and overhead: what no context changes
    Bytes cache;    // kv and recurrent state
    Bytes compute;
    Bytes total;
};

struct Estimate {
    Settings settings;  // as the upstream applies them: clamped, batch and slots filled in
    Prediction prediction;
    std::uint32_t trained_ctx = 0;  // tokens; 0 unknown
    std::optional<Bytes> fit;
    FitBy fit_by = FitBy::Predicted;
    std::optional<std::uint32_t>
        largest_num_ctx;  // of `fit`; nothing without it, or where none fits
    // Powers of two up to the trained context, which is last; empty where nothing loads.
    std::vector<ContextPoint> curve;
};

// file_size as in predict().
Estimate estimate(Geometry const& geometry, Bytes file_size, EstimateQuery const& query);

// Members, bytes where nothing else is said: weights, kv, kv_windowed, recurrent, compute,
// projector, draft, overhead, total (predicted, the sum of these), margin, booked (total + margin),
// host, loads, notes, largest_num_ctx and fit_bytes (or null), fit_by, fits, architecture, num_ctx,
// trained_num_ctx, num_batch, parallel, kv_cache_type, flash_attention, draft_num_predict, curve.
// Bytes are null where the settings do not load.
boost::json::object to_json(Estimate const& estimate);

}  // namespace plimsoll::memory
