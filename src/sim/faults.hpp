#pragma once
// Faults on demand: what goes wrong, where, how often. Chances come from a seed, so that a run
// repeats. Loop thread only.

#include "sim/json.hpp"

#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>

#include <boost/json/array.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::sim {

enum class FaultKind : std::uint8_t {
    Refuse,           // the connection closes without an answer
    Hang,             // no answer until the client goes, or delay_ms are over
    DieMidStream,     // the connection breaks after `after` pieces of the answer
    Crash,            // the runner dies after `after` pieces; its row stays in ps
    Load500,          // the runner exits while it loads
    Oom,              // out-of-memory text: at the load, or with "during": "request" in the answer
    IgnoreUnload,     // the answer says "unload", nothing happens
    PsLag,            // ps shows what was `ms` ago
    PsOmit,           // ps leaves a row out, never twice in a row
    PsGhost,          // ps shows a row of a model that is not there
    PsWrongSize,      // sizes in ps times `factor`
    SlowDrip,         // the answer comes in pieces of a few bytes, delay_ms apart
    OneByteSegments,  // every byte of the answer is a write of its own
    Garbage,          // the answer is no HTTP
    Busy503,
    Restart,  // the server is gone for delay_ms and comes back empty
};

std::string_view to_string(FaultKind kind);

struct Fault {
    FaultKind kind = FaultKind::Refuse;
    std::string model;  // key; empty: any
    std::string shown_model;
    std::string path;        // empty: any inference or store route, or ps for the faults of ps
    std::int64_t count = 1;  // -1: for ever
    double probability = 1;
    Duration delay{};
    std::int64_t after = 3;
    Duration lag{};
    double factor = 0.5;
    bool during_request = false;
};

class Faults {
  public:
    explicit Faults(std::uint64_t seed) : state_(seed) {}

    // One fault or a list. Errors: BadRequest with the place; then nothing is set.
    Result<std::vector<Fault>> add(Json const& body);

    void clear() { faults_.clear(); }

    [[nodiscard]] boost::json::array to_json() const;

    // The fault of that kind that strikes now, if any; one use of it is spent. `is_usual`: faults
    // without a path of their own strike here.
    std::optional<Fault> strike(
        FaultKind kind, std::string_view path, std::string_view model_key, bool is_usual = true
    );

    // PsOmit for one row of the list that is made now.
    bool omits_row(std::string const& model_key);

    [[nodiscard]] bool is_empty() const { return faults_.empty(); }

    [[nodiscard]] std::uint64_t struck() const { return struck_; }

  private:
    std::vector<Fault> faults_;
    std::uint64_t state_;
    std::uint64_t struck_ = 0;
    std::set<std::string> omitted_;  // by the last list
};

}  // namespace plimsoll::sim
