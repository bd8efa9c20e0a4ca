#pragma once
// The steps of read_geometry(). Each fills its members of the geometry from what the steps before
// it left there.

#include "memory/show.hpp"

#include <plimsoll/memory/geometry.hpp>

#include <string>

namespace plimsoll::memory {

// Heads, cache and recurrent state per layer.
void read_layers(Geometry& geometry, Metadata const& metadata, Tensors const& tensors);
// Layers that keep only the last tokens.
void read_windows(Geometry& geometry, Metadata const& metadata, Tensors const& tensors);
// Bytes of the weights, in the file and on the device.
void read_weights(Geometry& geometry, Tensors const& tensors);
// Floats per token that the runtime's graph holds at once.
void read_widths(Geometry& geometry, Metadata const& metadata, Tensors const& tensors);
// Why the numbers cannot be a model's; empty: they can. Last, when the rest is read.
std::string find_defect(
    Geometry const& geometry, Metadata const& metadata, boost::json::object const& show
);

}  // namespace plimsoll::memory
