#pragma once
// Findings as text for people and as JSON. Pure.

#include "app/doctor/finding.hpp"
#include "app/terminal.hpp"

#include <string>

namespace plimsoll::app::doctor {

// Long sentences go on below their beginning where the terminal says how wide it is.
std::string render(Findings const& findings, Terminal const& terminal);
std::string to_json(Findings const& findings);

// 1 if something is a problem, else 0: warnings are not.
int exit_status(Findings const& findings);

}  // namespace plimsoll::app::doctor
