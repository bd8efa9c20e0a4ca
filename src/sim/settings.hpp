#pragma once
// What a request, a Modelfile and the server's environment make of a runner: its context, batch and
// the rest. Pure.

#include "sim/catalogue.hpp"
#include "sim/json.hpp"

#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>

#include <cstdint>
#include <optional>

namespace plimsoll::sim {

// What was given; nothing means the default.
struct RunnerOptions {
    std::optional<std::int64_t> num_ctx, num_batch, num_gpu, main_gpu, num_thread,
        draft_num_predict;
    std::optional<bool> use_mmap;
    bool shift = true;
    std::optional<std::int64_t> num_predict;  // not a runner setting

    bool operator==(RunnerOptions const&) const = default;
};

// The server as a whole.
struct Machine {
    Bytes vram;
    unsigned parallel = 1;
    std::optional<std::uint32_t> default_ctx;
    std::string kv_type = "f16";
};

struct RunnerSettings {
    std::uint32_t num_ctx = 4096;
    std::uint32_t num_batch = 512;
    unsigned slots = 1;
    std::optional<std::int64_t> num_gpu;  // not given: all layers
    std::optional<std::int64_t> main_gpu, num_thread, draft_num_predict;
    std::optional<bool> use_mmap;
    bool shift = true;
    bool ctx_is_automatic = false;
    std::string projector;

    // Whether a runner with these settings can serve a request that wants `wanted`: num_gpu not
    // given means whatever runs, all else must be equal.
    [[nodiscard]] bool serves(RunnerSettings const& wanted) const;
};

// `options` objects in order of their coming, later members winning; names are case-sensitive
// inside. Errors: as the server says: option "num_ctx" must be of type integer.
Result<RunnerOptions> read_options(Json const& body, Model const& model);
RunnerSettings settle(RunnerOptions const& options, Model const& model, Machine const& machine);

// keep_alive: how long to stay after the last request. Duration::max() is for ever.
inline constexpr Duration kForever = Duration::max();
Result<std::optional<Duration>> read_keep_alive(Json const& body);

}  // namespace plimsoll::sim
