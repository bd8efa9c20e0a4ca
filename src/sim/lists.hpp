#pragma once
// Objects that several lists show.

#include "sim/world.hpp"

#include <boost/json/object.hpp>

namespace plimsoll::sim {

// `details` of a model; with the lengths that only /api/tags shows.
boost::json::object details_of(Model const& model, bool with_lengths);
boost::json::object ps_row(World const& world, Row const& row);

}  // namespace plimsoll::sim
