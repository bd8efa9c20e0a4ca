#pragma once
// Sums behind a prediction, in doubles: exact for every size below 2^53 bytes, and numbers of a
// wrong answer cannot wrap into something small.

#include <plimsoll/memory/predict.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace plimsoll::memory {

// What the runtime makes of the settings.
struct Shape {
    double slots, batch;
    double cells, window_cells;  // of one slot, in full and in sliding-window layers
    bool flash;
};

Shape shape_of(Geometry const& geometry, Settings const& settings);

inline double pad(double value, double step) {
    return std::ceil(value / step) * step;
}

inline bool is_quantised(KvType type) {
    return type == KvType::Q8_0 || type == KvType::Q4_0;
}

inline std::uint32_t most_of(std::vector<std::uint32_t> const& numbers) {
    return numbers.empty() ? 0 : *std::ranges::max_element(numbers);
}

// Cells of one layer's cache, all slots together.
inline double cells_of(Geometry const& g, Shape const& shape, std::size_t layer) {
    bool const is_windowed = layer < g.is_windowed.size() && g.is_windowed[layer];
    return shape.slots * (is_windowed ? shape.window_cells : shape.cells);
}

// Bytes, of all slots.
struct Cache {
    double full = 0, windowed = 0;
};

// heads: of the cache, per layer.
Cache cache_bytes(
    Geometry const& g, std::vector<std::uint32_t> const& heads, KvType type, Shape const& shape
);
double recurrent_bytes(Geometry const& g, Shape const& shape);
double compute_bytes(Geometry const& g, Settings const& settings, Shape const& shape);
// Outputs of one batch in host memory.
double output_bytes(Geometry const& g, Shape const& shape);

}  // namespace plimsoll::memory
