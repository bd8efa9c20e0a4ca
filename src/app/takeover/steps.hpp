#pragma once
// A takeover, its way back, and how one that failed is taken back by itself.

#include "app/takeover/plan.hpp"
#include "app/takeover/record.hpp"

#include <string>

namespace plimsoll::app::takeover {

// Does what the plan says. When a step fails everything is put back; the error says which step,
// why, and how it stands now. A process that dies in the middle leaves a record from which undo()
// goes back.
Result<void> perform(Host& host, Plan const& plan);

// Puts the files back as they were and restarts both. Errors: Conflict (a file was changed by
// others since: nothing is done), and what a step says; the record is kept then, so that it can be
// tried again.
Result<void> undo(Host& host, Record const& record);

}  // namespace plimsoll::app::takeover
