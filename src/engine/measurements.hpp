#pragma once
// What was measured and which rows are ours, in memory; every change is also written to the store
// on the worker thread. A failing write never fails a request: it is logged once. Loop thread only;
// the store must outlive the loop's worker.

#include <plimsoll/core/types.hpp>
#include <plimsoll/memory/calibration.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>
#include <plimsoll/store/store.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace plimsoll::engine {

// How a row that we loaded was loaded.
struct KnownSettings {
    core::Form form = core::Form::Unknown;
    core::RunnerSettings settings;
    Bytes charge;
    std::string model;
};

// What a row takes of the pool: device memory where the upstream lists any, else (no GPU) all of
// it.
constexpr Bytes taken(Bytes size, Bytes size_vram) {
    return size_vram.is_zero() ? size : size_vram;
}

class Measurements {
  public:
    Measurements(net::Loop& loop, store::Store& store, std::string upstream);

    // Reads the store; called once, before anything else.
    net::Task<void> restore();

    [[nodiscard]] store::Measurement const* find(
        std::string_view weights, std::string_view settings
    ) const;
    void loaded(std::string const& weights, std::string const& settings, Duration took);
    // True if it changed what should be charged.
    bool seen(std::string const& weights, std::string const& settings, Bytes size, Bytes size_vram);
    // One more size of a load that the list shows in full, on an upstream that was started as
    // `server` says.
    memory::Sizes sized(
        std::string const& weights,
        std::string const& settings,
        std::string const& server,
        Bytes listed
    );
    void unloaded(std::string const& weights, std::string const& settings, Duration took);
    // What the scheduler saw of its answers, said once when it goes: not a write for each of them.
    void answered(std::string const& weights, std::string const& settings, Duration mean);

    [[nodiscard]] KnownSettings const* known(std::string const& weights) const;
    void remember(std::string const& weights, KnownSettings known);
    void forget_row(std::string const& weights);

    void save(store::Calibration const& calibration);

    // As the store had them when it was read.
    [[nodiscard]] std::vector<store::Calibration> const& calibrations() const {
        return calibrations_;
    }

    [[nodiscard]] std::size_t pending_writes() const { return writes_->pending; }

  private:
    struct Writes {
        std::size_t pending = 0;
        bool has_failed = false;
    };
    struct Read;

    store::Measurement& entry(std::string const& weights, std::string const& settings);
    void save(store::Measurement const& measurement);
    void write(std::move_only_function<Result<void>(store::Store&)> work);

    net::Loop& loop_;
    store::Store& store_;
    std::string upstream_;
    std::shared_ptr<Writes> writes_ = std::make_shared<Writes>();
    std::unordered_map<std::string, store::Measurement> measured_;
    std::unordered_map<std::string, KnownSettings> known_;
    std::vector<store::Calibration> calibrations_;
};

// What is known of the sizes; nothing if they are of an upstream that was started otherwise.
memory::Sizes sizes_of(store::Measurement const& measurement, std::string_view server);

}  // namespace plimsoll::engine
