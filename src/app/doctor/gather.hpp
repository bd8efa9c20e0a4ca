#pragma once
// Collects all that `plimsoll doctor` judges: asks, reads, and changes nothing.

#include "app/doctor/facts.hpp"
#include "app/doctor/host.hpp"
#include "app/options.hpp"

namespace plimsoll::app::doctor {

Facts gather(DoctorOptions const& options, Places const& places);

}  // namespace plimsoll::app::doctor
