#pragma once
// What the OpenAI-shaped routes share: errors, and what they make of a request. These routes carry
// neither keep_alive nor runner options.

#include "sim/inference.hpp"

#include <string>

namespace plimsoll::sim {

std::string openai_error_body(unsigned status, std::string_view text);
// After decoding: application/json with a newline. Status 0: nothing is said.
net::Task<void> openai_error(Session& session, Refused why);
// While decoding: with charset and without a newline.
net::Task<void> openai_decoding_error(Session& session, Refused why);

// All text of a content that is a string, or a list of parts of which some are text.
std::string content_text(Json const* content);

// Options of the Modelfile with the number of tokens that the request limits the answer to.
OrRefused<RunnerOptions> plain_options(Model const& model, Json const* max_tokens);

}  // namespace plimsoll::sim
