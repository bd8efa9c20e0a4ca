#pragma once
// What a step came to: written down when it has ended, shown to people, and read again when a run
// goes on after a crash. Pure.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>
#include <plimsoll/chain/breaker.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace plimsoll::chain {

struct StepRecord {
    std::string place;       // "2", "3[1].2": in a map or loop with the item's or round's number
    unsigned execution = 1;  // of this place: above 1 after a jump or a retry
    std::string name;        // may be empty
    std::string kind;        // "prompt", "tool", "map", "loop"
    std::string model;       // that gave the answer, or was tried last
    std::string output;
    std::optional<StepError> error;
    std::string error_text;
    Duration took{};     // from its start to its end
    Duration waited{};   // of that in the queue
    Duration loading{};  // of loads of its model that ended meanwhile, or before for this run
    Duration elapsed{};  // from the start of the run to its end
    Bytes bytes;         // what its model is charged
    std::uint64_t loads = 0, attempts = 0, failures = 0, tool_calls = 0, prompt_tokens = 0,
                  tokens = 0;
    std::optional<std::size_t> breaker;  // the rule that was met
    bool is_past = false;                // it had ended before this run was resumed

    // Unique within a run: "2#1".
    [[nodiscard]] std::string key() const;
};

boost::json::object to_json(StepRecord const& record);
// Error Invalid.
Result<StepRecord> record_from_json(std::string const& text);

}  // namespace plimsoll::chain
