#pragma once
// Request bodies that we send to Ollama. Pure.

#include <plimsoll/upstream/provider.hpp>

#include <string>
#include <string_view>

namespace plimsoll::upstream {

// "24h", "5m", "90s", "250ms": Go's syntax, whole numbers only.
std::string go_duration(Duration duration);

std::string name_body(std::string_view model);
std::string unload_body(std::string_view model);
// A bare instance is loaded without any option, so that requests that cannot carry options find
// what they ask for.
std::string load_body(LoadRequest const& request);

}  // namespace plimsoll::upstream
