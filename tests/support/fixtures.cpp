#include "support/fixtures.hpp"

#include "support/catch.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>

namespace plimsoll::test {

std::optional<std::filesystem::path> fixtures(std::string const& kind) {
    char const* set = std::getenv("PLIMSOLL_FIXTURES");
    std::filesystem::path const root = set != nullptr ? set : "../shared/fixtures";
    auto const folder = root / kind;
    if (std::filesystem::is_directory(folder)) {
        return folder;
    }
    auto const reason = "skipped: no fixtures at " + folder.string() + "; set PLIMSOLL_FIXTURES";
    char const* ci = std::getenv("CI");
    if (ci != nullptr && std::string_view(ci) == "true") {
        FAIL(reason);
    }
    WARN(reason);
    return std::nullopt;
}

std::string read_file(std::filesystem::path const& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

}  // namespace plimsoll::test
