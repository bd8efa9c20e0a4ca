#pragma once
// docs/openapi.yaml, embedded: what the daemon says of its own interface.

#include <plimsoll/base/embedded.hpp>

#include <span>

namespace plimsoll::control {

// One file.
std::span<EmbeddedFile const> openapi_files();

}  // namespace plimsoll::control
