#include "memory/slots.hpp"

#include <plimsoll/memory/estimate.hpp>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <string_view>

namespace plimsoll::memory {

namespace {

namespace json = boost::json;

constexpr std::uint32_t kSmallestPoint = 1024;  // tokens
constexpr std::uint32_t kLargestUnknown = 131072;

Bytes counted(Prediction const& p, FitBy by) {
    return by == FitBy::Booked ? p.booked : p.total;
}

ContextPoint point_at(
    Geometry const& geometry, Bytes file_size, EstimateQuery const& query, std::uint32_t num_ctx
) {
    Settings at = query.settings;
    at.num_ctx = num_ctx;
    Prediction const p = predict(geometry, file_size, at, query.device);
    return {
        .num_ctx = num_ctx,
        .weights = p.weights + p.projector + p.draft + p.overhead,
        .cache = p.kv + p.recurrent,
        .compute = p.compute,
        .total = p.total
    };
}

std::vector<ContextPoint> curve_of(
    Geometry const& geometry, Bytes file_size, EstimateQuery const& query
) {
    std::uint32_t const last = geometry.trained_ctx == 0 ? kLargestUnknown : geometry.trained_ctx;
    std::vector<ContextPoint> curve;
    for (std::uint64_t at = kSmallestPoint; at < last; at *= 2) {
        auto const num_ctx = static_cast<std::uint32_t>(at);
        if (clamp_num_ctx(geometry, num_ctx) == num_ctx) {
            curve.push_back(point_at(geometry, file_size, query, num_ctx));
        }
    }
    curve.push_back(point_at(geometry, file_size, query, last));
    return curve;
}

}  // namespace

Estimate estimate(Geometry const& geometry, Bytes file_size, EstimateQuery const& query) {
    Estimate out;
    out.settings = query.settings;
    out.settings.num_ctx = clamp_num_ctx(geometry, query.settings.num_ctx);
    out.prediction = predict(geometry, file_size, out.settings, query.device);
    out.settings.parallel = effective_slots(geometry, out.settings);
    out.settings.num_batch = effective_batch(geometry, out.settings);
    out.trained_ctx = geometry.trained_ctx;
    out.fit = query.fit;
    out.fit_by = query.fit_by;
    if (query.fit) {
        out.largest_num_ctx = largest_num_ctx(
            geometry, file_size, query.settings, query.device, *query.fit, query.fit_by
        );
    }
    if (out.prediction.loads) {
        out.curve = curve_of(geometry, file_size, query);
    }
    return out;
}

json::object to_json(Estimate const& estimate) {
    Prediction const& p = estimate.prediction;
    json::object out;
    // What does not load has no size: a number would be taken for one.
    auto const bytes = [&p](Bytes count) {
        return p.loads ? json::value(count.count()) : json::value(nullptr);
    };
    out["weights"] = bytes(p.weights);
    out["kv"] = bytes(p.kv);
    out["kv_windowed"] = bytes(p.kv_windowed);
    out["recurrent"] = bytes(p.recurrent);
    out["compute"] = bytes(p.compute);
    out["projector"] = bytes(p.projector);
    out["draft"] = bytes(p.draft);
    out["overhead"] = bytes(p.overhead);
    out["total"] = bytes(p.total);
    out["margin"] = bytes(p.margin);
    out["booked"] = bytes(p.booked);
    out["host"] = bytes(p.host);
    out["loads"] = p.loads;
    out["notes"] = json::array(p.notes.begin(), p.notes.end());
    out["largest_num_ctx"] =
        estimate.largest_num_ctx ? json::value(*estimate.largest_num_ctx) : json::value(nullptr);
    out["fit_bytes"] = estimate.fit ? json::value(estimate.fit->count()) : json::value(nullptr);
    out["fit_by"] = estimate.fit_by == FitBy::Booked ? "booked" : "predicted";
    out["fits"] = estimate.fit
                      ? json::value(p.loads && counted(p, estimate.fit_by) <= *estimate.fit)
                      : json::value(nullptr);
    out["num_ctx"] = estimate.settings.num_ctx;
    out["trained_num_ctx"] =
        estimate.trained_ctx == 0 ? json::value(nullptr) : json::value(estimate.trained_ctx);
    out["num_batch"] = estimate.settings.num_batch;
    out["parallel"] = estimate.settings.parallel;
    out["kv_cache_type"] = to_string(estimate.settings.kv_type);
    out["flash_attention"] = to_string(estimate.settings.flash_attention);
    out["draft_num_predict"] = estimate.settings.draft_num_predict;
    json::array curve;
    for (ContextPoint const& point : estimate.curve) {
        curve.push_back(json::object{
            {"num_ctx", point.num_ctx},
            {"weights", point.weights.count()},
            {"cache", point.cache.count()},
            {"compute", point.compute.count()},
            {"total", point.total.count()}
        });
    }
    out["curve"] = std::move(curve);
    return out;
}

}  // namespace plimsoll::memory
