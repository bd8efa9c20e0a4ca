#pragma once
// The command line: words in, a Command or an Exit out. Reads no environment and prints nothing by
// itself.

#include "app/options.hpp"

#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace plimsoll::app {

// `arguments` without the program's name. `default_url` is where client commands go without --url.
std::variant<Command, Exit> parse_command_line(
    std::span<std::string const> arguments, std::string const& default_url
);

std::string_view version();

}  // namespace plimsoll::app
