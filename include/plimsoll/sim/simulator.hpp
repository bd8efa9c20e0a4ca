#pragma once
// An Ollama without weights: the same API, a physical VRAM that is really enforced, Ollama's own
// scheduler with its habits, and faults on demand. Says in every answer that it is simulated. Loop
// thread only.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/result.hpp>
#include <plimsoll/net/loop.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace plimsoll::sim {

struct SimConfig {
    std::string address = "127.0.0.1";
    std::uint16_t port = 11434;
    Bytes vram = gibibytes(24);                        // physical
    std::optional<std::filesystem::path> models;       // catalogue; nullopt: the built-in one
    double load_bandwidth = 2.0 * 1024 * 1024 * 1024;  // bytes per second
    double tokens_per_second = 40;
    double time_scale = 1;                     // 10: everything ten times faster
    unsigned parallel = 1;                     // OLLAMA_NUM_PARALLEL
    unsigned max_loaded = 3;                   // OLLAMA_MAX_LOADED_MODELS
    std::optional<std::uint32_t> default_ctx;  // OLLAMA_CONTEXT_LENGTH; nullopt: by VRAM
    std::string kv_type = "f16";
    unsigned max_queue = 512;
    std::uint64_t seed = 1;
    // What does not fit goes to the CPU, silently, as the real runner's fit pass does; off: it
    // fails as out of memory.
    bool partial_offload = false;
};

class Simulator {
  public:
    // Errors: Invalid (catalogue: file, line and what is wrong).
    static Result<std::unique_ptr<Simulator>> make(net::Loop& loop, SimConfig config);
    virtual ~Simulator() = default;

    virtual Result<void> listen() = 0;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
    virtual void close() = 0;
};

}  // namespace plimsoll::sim
