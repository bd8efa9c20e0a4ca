#pragma once
// Checks of members that several routes share, with the server's sentences. Pure.

#include "sim/json.hpp"
#include "sim/world.hpp"

#include <string_view>

namespace plimsoll::sim {

inline constexpr std::string_view kNoImages =
    R"({"error":{"code":400,"message":"Multimodal data provided, but model does not support multimodal requests.",)"
    R"("type":"invalid_request_error"}})";
inline constexpr std::string_view kNoEmbeddings =
    "This server does not support embeddings. Start it with `--embeddings`";

enum class Think : std::uint8_t { Default, On, Off };
OrRefused<Think> read_think(Json const& body);

// Base64 in `images`.
OrRefused<void> check_images(Json const& holder);
// Status 0: nothing is wrong. A wrong format is found only after the load.
Refused check_format(Json const* format);
Refused check_logprobs(Json const& body);

}  // namespace plimsoll::sim
