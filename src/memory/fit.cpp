// The inverse of predict(): docs/memory.md, "The largest context".

#include "memory/sums.hpp"

#include <algorithm>

namespace plimsoll::memory {

namespace {

constexpr std::uint32_t kStep = 256;           // tokens; the runtime pads the cells of a slot to it
constexpr std::uint32_t kUnknownCtx = 131072;  // where the file does not name the trained context

// Where the compute buffer was seen to be larger than its formula says.
Bytes doubt(Geometry const& g, Settings const& settings) {
    Shape const shape = shape_of(g, settings);
    std::uint32_t residuals =
        is_quantised(settings.kv_type) ? g.doubtful_residuals_quantised : g.doubtful_residuals;
    if (!shape.flash && most_of(g.kv_heads) != 0) {
        constexpr std::uint32_t kWithoutFlash = 4;
        residuals = std::max(residuals, kWithoutFlash);
    }
    return Bytes(1).scaled(4.0 * residuals * g.embedding * shape.batch);
}

}  // namespace

std::optional<std::uint32_t> largest_num_ctx(
    Geometry const& geometry,
    Bytes file_size,
    Settings const& settings,
    Device const& device,
    Bytes budget,
    FitBy by,
    std::uint32_t most
) {
    auto const fits = [&](std::uint32_t num_ctx) {
        Settings at = settings;
        at.num_ctx = num_ctx;
        Prediction const p = predict(geometry, file_size, at, device);
        // The margin of what is booked covers the doubt.
        Bytes const sum = by == FitBy::Booked ? p.booked : p.total + doubt(geometry, at);
        return p.loads && sum <= budget;
    };
    std::uint32_t const trained = geometry.trained_ctx == 0 ? kUnknownCtx : geometry.trained_ctx;
    std::uint32_t const least = std::min(geometry.is_vision ? 2048 : kStep, trained);
    std::uint32_t const highest = std::max(std::min(trained, most), least);
    if (fits(highest)) {
        return highest;
    }
    // Bytes never fall as the context grows, so the multiples that fit come first.
    std::uint32_t fitting = 0;
    std::uint32_t first = (least + kStep - 1) / kStep;
    std::uint32_t last = (highest - 1) / kStep;
    while (first <= last) {
        std::uint32_t const middle = first + (last - first) / 2;
        if (fits(middle * kStep)) {
            fitting = middle * kStep;
            first = middle + 1;
        } else {
            last = middle - 1;
        }
    }
    return fitting == 0 ? std::nullopt : std::optional(fitting);
}

}  // namespace plimsoll::memory
