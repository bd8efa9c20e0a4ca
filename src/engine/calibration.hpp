#pragma once
// What this upstream's loads on this device have shown of predictions, kept in the store. Loop
// thread only; the store must outlive the loop's worker.

#include "engine/measurements.hpp"

#include <plimsoll/memory/calibration.hpp>

#include <string>

namespace plimsoll::engine {

class Calibration {
  public:
    Calibration(Measurements& measurements, std::string upstream)
        : measurements_(measurements), upstream_(std::move(upstream)) {}

    // Which device: before restore().
    void set_device(std::string id) { device_ = std::move(id); }

    // From what the store had.
    void restore(std::vector<store::Calibration> const& all);

    void add_ratio(double listed_over_predicted);
    void add_process(Bytes beside_the_model);

    [[nodiscard]] memory::Samples const& ratios() const { return ratios_; }

    [[nodiscard]] memory::Samples const& process() const { return process_; }

    [[nodiscard]] memory::ErrorBar error_bar() const { return memory::error_bar(ratios_); }

    // The largest process that was seen and what it takes later, else as given.
    [[nodiscard]] memory::Device device(memory::Device otherwise) const;

  private:
    void save(std::string const& what, memory::Samples const& samples);

    Measurements& measurements_;
    std::string upstream_, device_;
    memory::Samples ratios_;   // of listed over predicted
    memory::Samples process_;  // bytes
};

}  // namespace plimsoll::engine
