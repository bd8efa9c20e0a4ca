#include <plimsoll/memory/calibration.hpp>

#include <algorithm>
#include <cmath>

namespace plimsoll::memory {

namespace {

constexpr std::uint64_t kFewRatios = 3;
constexpr double kLeastBar = 0.005;

}  // namespace

void Samples::add(double value) {
    largest = count == 0 ? value : std::max(largest, value);
    ++count;
    double const before = value - mean;
    mean += before / static_cast<double>(count);
    squares += before * (value - mean);
}

double Samples::spread() const {
    return count < 2 ? 0 : std::sqrt(squares / static_cast<double>(count - 1));
}

void Sizes::add(Bytes listed) {
    auto const value = static_cast<double>(listed.count());
    double const before = bytes.largest;
    bool const is_first = bytes.count == 0;
    bytes.add(value);
    if (is_first || value > before * (1 + kAgreement)) {
        agreeing = 1;
    } else if (value >= bytes.largest * (1 - kAgreement)) {
        ++agreeing;
    }
}

bool Sizes::are_certain() const {
    return agreeing >= kCertain;
}

Bytes certain_charge(Sizes const& sizes, Device const& device) {
    return Bytes(1).scaled(sizes.bytes.largest * (1 + kAgreement)) + device.overhead;
}

bool is_listed_fully(
    Geometry const& geometry, Settings const& settings, Bytes size, Bytes size_vram
) {
    bool const is_drafting = settings.draft_num_predict != 0 && geometry.draft_layers != 0;
    bool const is_on_device = !size_vram.is_zero() && size_vram == size;
    return is_on_device && geometry.window == 0 && !geometry.has_projector && !is_drafting;
}

Bytes listed_part(Prediction const& prediction) {
    return prediction.total - prediction.overhead;
}

ErrorBar error_bar(Samples const& ratios) {
    if (ratios.count < kFewRatios) {
        return {};
    }
    double const width = std::max(3 * ratios.spread(), kLeastBar);
    return {.low = ratios.mean - width, .high = ratios.mean + width};
}

}  // namespace plimsoll::memory
