#pragma once
// What `plimsoll doctor` says about one thing that it looked at.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::app::doctor {

enum class Level : std::uint8_t { Ok, Warning, Problem };

std::string_view to_string(Level level);

struct Finding {
    Level level = Level::Ok;
    std::string check;  // "upstream", "environment", ...: the same for the same check in every run
    std::string text;   // one sentence with its numbers
    std::string fix;    // what to do; empty only where nothing is wrong
};

using Findings = std::vector<Finding>;

Finding ok(std::string_view check, std::string text);
Finding warning(std::string_view check, std::string text, std::string fix);
Finding problem(std::string_view check, std::string text, std::string fix);

}  // namespace plimsoll::app::doctor
