#pragma once
// Writes runs down on the worker thread. A state file that cannot be written costs durability, not
// the run: that is said once. Loop thread only.

#include "chain/run/step_record.hpp"

#include <plimsoll/net/loop.hpp>
#include <plimsoll/store/store.hpp>

#include <string>
#include <vector>

namespace plimsoll::chain {

class Journal {
  public:
    Journal(net::Loop& loop, store::Store& store) : loop_(loop), store_(store) {}

    net::Task<void> save(store::StoredRun run, std::vector<store::StoredEvent> events);
    net::Task<void> save_step(
        std::string run, StepRecord const& record, std::vector<store::StoredEvent> events
    );
    net::Task<void> prune(std::uint64_t most, Duration kept_for);

    net::Task<Result<std::vector<store::StoredRun>>> runs(std::string status, std::uint64_t most);
    net::Task<Result<store::StoredRun>> run(std::string id);
    net::Task<Result<std::vector<StepRecord>>> steps(std::string run);
    net::Task<Result<std::vector<store::StoredEvent>>> events(
        std::string run, std::uint64_t after_id
    );

  private:
    void note(Result<void> const& done);

    net::Loop& loop_;
    store::Store& store_;
    bool is_failing_ = false;
};

// Milliseconds since 1970.
std::uint64_t wall_milliseconds();

}  // namespace plimsoll::chain
