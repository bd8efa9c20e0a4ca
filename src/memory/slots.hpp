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

inline std::uint32_t effective_batch(Geometry const& geometry, Settings const& settings) {
    return settings.num_batch != 0
               ? settings.num_batch
               : automatic_batch(geometry, effective_ctx(geometry, settings), settings.parallel);
}

}  // namespace plimsoll::memory
