#pragma once
// What a failed load means for the scheduler, told by the status and the words of the upstream.
// Pure.

#include <plimsoll/base/result.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <string_view>

namespace plimsoll::upstream {

// Any of the texts by which Ollama and its runners say that memory did not suffice.
bool smells_of_memory(std::string_view text);

// The upstream answered with a status other than 2xx.
LoadError classify_answer(unsigned status, std::string_view text);
// No answer came.
LoadError classify_failure(Error const& error);

}  // namespace plimsoll::upstream
