#pragma once
// What measurements say of predictions. Pure; docs/memory.md, "Calibration".

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/memory/predict.hpp>

#include <cstdint>

namespace plimsoll::memory {

// Count, mean and spread of numbers that are not kept (Welford's algorithm).
struct Samples {
    std::uint64_t count = 0;
    double mean = 0;
    double squares = 0;  // sum of squared distances from the mean
    double largest = 0;

    void add(double value);
    // Standard deviation; 0 below two samples.
    [[nodiscard]] double spread() const;
};

// Sizes that were listed of one model under one set of settings, each after a load of its own.
struct Sizes {
    Samples bytes;
    std::uint64_t agreeing = 0;  // those within kAgreement of the largest

    void add(Bytes listed);
    // Enough of them agree to be believed rather than the prediction.
    [[nodiscard]] bool are_certain() const;
};

inline constexpr double kAgreement =
    0.003;  // of the largest; the list rounds, and little else moves
inline constexpr std::uint64_t kCertain = 3;

// What to book for a model whose sizes are certain: the largest and kAgreement of it, and the
// process, which no list shows.
Bytes certain_charge(Sizes const& sizes, Device const& device);

// Whether the upstream lists all that such a model takes on the device: no sliding windows (of two
// kinds of cache it lists one), no projector, no drafting, and every layer there.
bool is_listed_fully(
    Geometry const& geometry, Settings const& settings, Bytes size, Bytes size_vram
);

// The part of a prediction that a list shows: without process and margin.
Bytes listed_part(Prediction const& prediction);

// Factors of listed over predicted: within them a measurement agrees with the prediction.
struct ErrorBar {
    double low = 0.95, high = 1.05;
};

// ratios: listed over predicted of this upstream and device, each a sample. 5 % either way until
// three were taken; then the mean and three spreads, at least half a per cent.
ErrorBar error_bar(Samples const& ratios);

}  // namespace plimsoll::memory
