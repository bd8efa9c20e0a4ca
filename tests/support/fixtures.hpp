#pragma once
// Recorded fixtures: found through PLIMSOLL_FIXTURES, default ../shared/fixtures beside the
// checkout.

#include <filesystem>
#include <optional>
#include <string>

namespace plimsoll::test {

// The folder of one kind ("ollama", "vram", "traces"). Absent: fails under CI=true, else warns with
// the reason; the caller then returns from the test.
std::optional<std::filesystem::path> fixtures(std::string const& kind);
std::string read_file(std::filesystem::path const& file);

}  // namespace plimsoll::test
