#pragma once
// The file in which `plimsoll key` keeps keys: [[key]] tables, for its owner alone.

#include <plimsoll/access/key.hpp>
#include <plimsoll/base/result.hpp>

#include <filesystem>
#include <functional>
#include <vector>

namespace plimsoll::app {

using KeyChange = std::function<Result<void>(std::vector<access::Key>&)>;

// Reads the file (none: no keys), changes the keys and writes them anew: whole or not at all, mode
// 0600, with nobody else changing it in between. As root the new file belongs to the owner of the
// old one, else of the folder, so that a service's own user can read it. Errors: those of `change`,
// and Invalid or Io with the file's name.
Result<void> change_key_file(std::filesystem::path const& file, KeyChange const& change);

}  // namespace plimsoll::app
