#pragma once
// The two texts in a /api/show answer that are no JSON: `modelfile` and `parameters`. Pure.

#include <plimsoll/core/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::upstream {

// Hash of the weights blob: 64 hex digits from the first FROM line that is no comment; empty if it
// names no blob. A second FROM is the projector, which is no key.
std::string weights_of_modelfile(std::string_view modelfile);

struct ModelParameters {
    core::RunnerOptions options;
    std::optional<std::uint32_t> num_ctx, num_batch;
};

// Lines of "key    value"; large integers come as floats ("1.048576e+06").
ModelParameters read_parameters(std::string_view text);

}  // namespace plimsoll::upstream
