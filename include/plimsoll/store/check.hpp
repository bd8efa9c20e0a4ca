#pragma once
// Looks at a state file without changing it.

#include <plimsoll/base/result.hpp>

#include <filesystem>
#include <string>

namespace plimsoll::store {

// What SQLite finds wrong in a file: "ok", or its first complaint. May take seconds for a large
// file. Errors: NotFound, Io (it may not be read, or another program holds it), Invalid (no
// database at all, with SQLite's words).
Result<std::string> quick_check(std::filesystem::path const& file);

}  // namespace plimsoll::store
