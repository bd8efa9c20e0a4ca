#pragma once
// The line that moves while a model loads: what happens, elapsed and expected time. Only on a
// terminal.

#include "app/control_client.hpp"
#include "app/terminal.hpp"

#include <string>

namespace plimsoll::app {

// Rewrites one line on standard error with each event. Empty without a terminal.
ControlClient::OnProgress progress_on(Terminal const& terminal, std::string model);
// Takes the line away again.
void end_progress(Terminal const& terminal);

// "Loading gemma3:12b  [#####     ]  3.2 s of about 6 s"; pure.
std::string progress_line(std::string const& model, boost::json::value const& event);

}  // namespace plimsoll::app
