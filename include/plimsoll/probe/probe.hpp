#pragma once
// How much memory the cards of this host have, and how much is used, as their driver tells. Reading
// may block for milliseconds: on the worker thread only, except at the start. One thread at a time.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/result.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace plimsoll::probe {

struct Card {
    std::string id;    // "nvidia:GPU-8a2c...", "amd:card1": the same after a restart
    std::string name;  // "NVIDIA GeForce RTX 4090"; may be empty
    Bytes total, used;
};

class MemoryProbe {
  public:
    virtual ~MemoryProbe() = default;

    // "NVML", "amdgpu"
    [[nodiscard]] virtual std::string source() const = 0;
    // At least one card. Errors: Io with what the driver said.
    virtual Result<std::vector<Card>> read() = 0;
};

// NVIDIA's management library, by dlopen: "libnvidia-ml.so.1". Errors: NotFound if there is no such
// library (most hosts); Io if there is one that does not work, with the reason.
Result<std::unique_ptr<MemoryProbe>> open_nvml(std::string const& library);

// The kernel's files on AMD cards under `root` ("/sys/class/drm"). Error NotFound: no card that
// says what memory it has.
Result<std::unique_ptr<MemoryProbe>> open_amdgpu(std::filesystem::path const& root);

struct Places {
    std::string nvml = "libnvidia-ml.so.1";
    std::filesystem::path drm = "/sys/class/drm";
};

struct Found {
    std::unique_ptr<MemoryProbe> probe;  // null: none
    std::string problem;  // of a driver that is there and does not work; may be empty
};

// The first that works and has a card.
Found find_probe(Places const& places);

}  // namespace plimsoll::probe
