#pragma once
// What a simulation is fed with: models with their sizes and times, and requests with the moments
// at which they arrive. Plain values; pure functions.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>
#include <plimsoll/core/types.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::trace {

struct Model {
    std::string name;
    Bytes charge;       // in memory
    Duration load{};    // from the request for it to its readiness
    Duration unload{};  // from the request for it to the row's disappearance
};

struct Request {
    Duration arrival{};     // since the start
    std::size_t model = 0;  // index into Workload::models
    Duration service{};     // the upstream's time for the answer, once it is dispatched
    std::string client;
    core::Priority priority = core::Priority::Normal;
};

struct Workload {
    std::vector<Model> models;
    std::vector<Request> requests;  // by arrival
};

}  // namespace plimsoll::trace
