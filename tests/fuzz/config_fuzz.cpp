// Any text either gives problems that fit on a line each, or a configuration that `config show`
// writes so that it reads back the same.

#include <plimsoll/base/result.hpp>
#include <plimsoll/config/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace plimsoll;

// Comments name the origin, which differs after a round trip; there is none in either text here.
std::string shown(config::Config const& config) {
    return config::show({.config = config, .sources = {}, .origins = {}});
}

void check_problems(std::vector<config::Problem> const& problems) {
    PLIMSOLL_ASSERT(!problems.empty());
    for (config::Problem const& problem : problems) {
        std::string const line = to_string(problem);
        bool const is_clean = std::ranges::none_of(line, [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        });
        PLIMSOLL_ASSERT(is_clean);
        PLIMSOLL_ASSERT(!problem.text.empty());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const parsed = config::parse(text, "fuzz.toml");
    if (!parsed) {
        check_problems(parsed.error());
        return 0;
    }
    PLIMSOLL_ASSERT(!parsed->upstreams.empty());
    std::string const first = shown(*parsed);
    auto const again = config::parse(first, "shown.toml");
    PLIMSOLL_ASSERT(again.has_value());
    PLIMSOLL_ASSERT(shown(*again) == first);
    return 0;
}
