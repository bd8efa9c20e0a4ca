#pragma once
// The members of "options": their types as the upstream checks them, and those that belong to the
// runner (a change of one of these is a reload). Pure.

#include "proxy/refusal.hpp"

#include <plimsoll/core/types.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/http/members.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::proxy {

struct AskedOptions {
    std::optional<std::int64_t> num_ctx, num_batch;
    core::RunnerOptions options;
    std::vector<std::string>
        cut;  // names that policy takes out of the request, each with what was asked
};

// Errors: 500 with the upstream's sentence, e.g. option "num_ctx" must be of type integer.
// `cut_options`: "name" or "name=value" (EngineConfig::cut_options).
Checked<AskedOptions> read_options(
    http::BodyMembers const& members, std::vector<std::string> const& cut_options
);

}  // namespace plimsoll::proxy
