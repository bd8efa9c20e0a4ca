#pragma once
// A list of steps on its way, and what texts in it mean. Pure.

#include "chain/run/prompt.hpp"

#include <plimsoll/chain/spec.hpp>

#include <boost/json/value.hpp>

#include <cstddef>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::chain {

struct Frame {
    Frame const* outer = nullptr;
    std::vector<Step> const* steps = nullptr;
    std::string prefix{};    // of the places of its steps: "", "3[1]."
    std::size_t worker = 0;  // of those that execute steps side by side
    bool repeats = false;    // the list will be begun again
    bool is_map = false, is_loop = false;
    std::string item{};                            // of a map
    std::string number{};                          // of a map's item or a loop's round, from 1
    std::map<std::string, std::string> outputs{};  // by name, and outermost by number
    std::size_t at = 0;                            // the step at hand

    [[nodiscard]] bool is_outermost() const { return outer == nullptr; }
};

// By a breaker's retry; null: as written.
struct Changes {
    ModelUse const* model = nullptr;
    Template const* instruction = nullptr;
};

// What the texts of a run may refer to besides its frames.
struct Texts {
    std::string const& original;                         // the run's input
    std::map<std::string, std::string> const& given;     // variables of the run
    std::map<std::string, std::string> const& defaults;  // variables of the specification
    std::size_t limit;                                   // bytes of one text
};

Result<std::string> render(
    Template const& text, Texts const& texts, Frame const& frame, std::string_view input
);

// A leaf step with its texts filled in. Errors: TooLarge; Invalid for a variable without a value.
Result<Work> work_of(
    Step const& step,
    std::string place,
    Changes const& changes,
    Texts const& texts,
    Frame const& frame,
    std::string_view input
);

}  // namespace plimsoll::chain
