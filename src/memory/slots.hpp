#pragma once
// Settings as the upstream will really apply them.

#include <plimsoll/memory/predict.hpp>

#include <algorithm>
#include <cstdint>

namespace plimsoll::memory {

inline std::uint32_t effective_slots(Geometry const& geometry, Settings const& settings) {
    bool const is_one = geometry.is_embedding_only || geometry.is_single_slot;
    return is_one ? 1 : std::max<std::uint32_t>(settings.parallel, 1);
}

inline std::uint32_t effective_ctx(Geometry const& geometry, Settings const& settings) {
    return geometry.trained_ctx == 0 ? settings.num_ctx
                                     : std::min(settings.num_ctx, geometry.trained_ctx);
}

// Left open, the upstream takes up to 512, 1024 or 2048 by the context of all slots; embedders take
// the context, up to 2048.
inline std::uint32_t effective_batch(Geometry const& geometry, Settings const& settings) {
    if (settings.num_batch != 0) {
        return settings.num_batch;
    }
    std::uint64_t const tokens =
        std::uint64_t{effective_ctx(geometry, settings)} * effective_slots(geometry, settings);
    if (geometry.is_embedding_only) {
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(2048, tokens));
    }
    if (tokens > 32768) {
        return 2048;
    }
    return tokens > 4096 ? 1024 : 512;
}

}  // namespace plimsoll::memory
