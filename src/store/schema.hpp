#pragma once
// The tables of the state file, and how older files become the present one.

#include "store/database.hpp"

#include <plimsoll/base/result.hpp>

namespace plimsoll::store {

// Makes the tables of an empty file, brings up those of an older version, and looks at the pages.
// Errors: Conflict (another program's database), Invalid (a newer version, or damage).
Result<void> prepare_schema(Database& database);

}  // namespace plimsoll::store
