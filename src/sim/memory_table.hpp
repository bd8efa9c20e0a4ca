#pragma once
// Bytes that a runner truly takes, what /api/ps says of them, and what the server itself believes
// beforehand. Pure.

#include "sim/catalogue.hpp"

#include <plimsoll/base/bytes.hpp>

#include <string_view>

namespace plimsoll::sim {

struct RunnerSettings;

struct Footprint {
    Bytes truth;  // on the device, the process's own share included
    Bytes shown;  // size of /api/ps, all buffers
    Bytes shown_vram;
};

// `on_device`: the part of the layers on the GPU, 0 to 1.
Footprint footprint(
    Model const& model, RunnerSettings const& settings, std::string_view kv_type, double on_device
);

// The crude estimate behind the 80 % rule: file size and a full f16 cache of every layer, no
// windows, no cache type.
Bytes own_estimate(Weights const& weights, RunnerSettings const& settings);

}  // namespace plimsoll::sim
