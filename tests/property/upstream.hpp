#pragma once
// A fake upstream with Ollama's habits and the faults of the fault model: it holds physical memory,
// is blind to loading rows in its list, and lies about sizes now and then.

#include <plimsoll/core/types.hpp>

#include "property/rng.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace plimsoll::test {

struct Faults {
    double load_fails = 0, unload_ignored = 0, unload_fails = 0, unload_slow = 0;
    double list_omits = 0, list_ghosts = 0, list_wrong_size = 0, list_lost = 0;
    double abort_races = 0;
    Duration list_lag{};
    bool has_foreign = false;     // others load past us
    bool under_predicts = false;  // true bytes may be above the charge
};

struct Runner {
    std::uint64_t uid = 0;
    std::string weights, model;
    core::InstanceId instance{};  // 0: foreign
    Bytes bytes;                  // truly held
    core::PerCard cards;          // and where; empty without cards
    Bytes shown;
    std::uint32_t num_ctx = 0;
    bool is_loading = true;
    bool is_dead = false;  // crashed: listed, but holds and answers nothing
};

class FakeUpstream {
  public:
    explicit FakeUpstream(Rng& rng) : rng_(rng) {}

    std::uint64_t start(Runner runner);
    Runner* find(std::uint64_t uid);
    Runner* of_instance(core::InstanceId instance);
    Runner* of_weights(std::string const& weights);
    void remove(std::uint64_t uid);

    void clear() { runners_.clear(); }

    [[nodiscard]] Bytes physical() const;
    [[nodiscard]] core::PerCard physical_by_card() const;

    [[nodiscard]] std::size_t rows() const { return runners_.size(); }

    [[nodiscard]] std::vector<Runner> const& runners() const { return runners_; }

    // The answer of /api/ps at this moment, faults included.
    std::vector<core::Row> list(Faults const& faults, TimePoint now);
    // After each happening, for lists that lag.
    void remember(Faults const& faults, TimePoint now);

  private:
    [[nodiscard]] std::vector<core::Row> true_list() const;

    Rng& rng_;
    std::uint64_t last_uid_ = 0;
    std::vector<Runner> runners_;
    std::deque<std::pair<TimePoint, std::vector<core::Row>>> history_;  // kept where the list lags
    std::vector<core::Row> ghosts_;                                     // rows that left lately
    std::unordered_set<std::string> omitted_;                           // by the last list
};

}  // namespace plimsoll::test
