#pragma once
// Ollama's answers to our types. Pure; unknown members are ignored, missing ones left empty.

#include <plimsoll/base/result.hpp>
#include <plimsoll/upstream/provider.hpp>
#include <plimsoll/upstream/show.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::upstream {

struct StoredModel {
    std::string name;
    std::string digest;
    Bytes size;
};

// Errors of all readers: UpstreamProtocol with what is wrong.
Result<std::vector<LoadedRow>> read_ps(std::string_view body);
Result<std::vector<StoredModel>> read_tags(std::string_view body);
Result<std::string> read_version(std::string_view body);

// The sentence in {"error": "..."} or {"error": {"message": "..."}}; else the body itself, cut and
// printable.
std::string error_text(std::string_view body);
// A 200 answer may still carry an error member (an early failure on a stream).
bool has_error_member(std::string_view body);

}  // namespace plimsoll::upstream
