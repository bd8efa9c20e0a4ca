#pragma once
// Which programs hold memory of this host's cards, as their driver tells. May block for
// milliseconds; one thread at a time.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/result.hpp>

#include <string>
#include <vector>

namespace plimsoll::probe {

struct CardProcess {
    std::string card;  // its id, as in Card
    int pid = 0;
    Bytes used;  // zero: the driver does not say how much
};

// By NVIDIA's management library ("libnvidia-ml.so.1"). Errors: NotFound (no such library),
// Unsupported (a driver of before 2021), Io with what the driver said.
Result<std::vector<CardProcess>> nvml_processes(std::string const& library);

}  // namespace plimsoll::probe
