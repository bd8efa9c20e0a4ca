#pragma once
// The steps of read_geometry(). Each fills its members of the geometry from what the steps before
// it left there.

#include "memory/show.hpp"

#include <plimsoll/memory/predict.hpp>

namespace plimsoll::memory {

// Heads, cache and recurrent state per layer.
void read_layers(Geometry& geometry, Metadata const& metadata, Tensors const& tensors);
// Layers that keep only the last tokens.
void read_windows(Geometry& geometry, Metadata const& metadata, Tensors const& tensors);
// Bytes of the weights, in the file and on the device.
void read_weights(Geometry& geometry, Metadata const& metadata, Tensors const& tensors);
// Floats per token that the runtime's graph holds at once.
void read_widths(Geometry& geometry, Metadata const& metadata, Tensors const& tensors);

}  // namespace plimsoll::memory
