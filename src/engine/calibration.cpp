#include "engine/calibration.hpp"

#include <algorithm>

namespace plimsoll::engine {
namespace {

constexpr char const* kListed = "listed";
constexpr char const* kProcess = "process";
// Workspaces and scratch that a process takes with its first prompts, after it was measured.
constexpr Bytes kLater = mebibytes(128);

memory::Samples samples_of(store::Calibration const& row) {
    return {.count = row.count, .mean = row.mean, .squares = row.squares, .largest = row.largest};
}

}  // namespace

void Calibration::restore(std::vector<store::Calibration> const& all) {
    for (auto const& row : all) {
        if (row.upstream != upstream_ || row.device != device_) {
            continue;
        }
        if (row.what == kListed) {
            ratios_ = samples_of(row);
        } else if (row.what == kProcess) {
            process_ = samples_of(row);
        }
    }
}

void Calibration::add_ratio(double listed_over_predicted) {
    ratios_.add(listed_over_predicted);
    save(kListed, ratios_);
}

void Calibration::add_process(Bytes beside_the_model) {
    process_.add(static_cast<double>(beside_the_model.count()));
    save(kProcess, process_);
}

memory::Device Calibration::device(memory::Device otherwise) const {
    if (process_.count == 0) {
        return otherwise;
    }
    return {.overhead = Bytes(1).scaled(std::max(process_.largest, 0.0)) + kLater};
}

void Calibration::save(std::string const& what, memory::Samples const& samples) {
    measurements_.save(store::Calibration{
        .upstream = upstream_,
        .device = device_,
        .what = what,
        .count = samples.count,
        .mean = samples.mean,
        .squares = samples.squares,
        .largest = samples.largest
    });
}

}  // namespace plimsoll::engine
