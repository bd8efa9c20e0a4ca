// Each wrong specification of tests/golden/chain_specs against the problems that it must give.

#include "support/catch.hpp"
#include "support/fixtures.hpp"

#include <plimsoll/chain/spec.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace plimsoll;

namespace fs = std::filesystem;

namespace {

std::string problems_of(fs::path const& file) {
    boost::json::parse_options options;
    options.max_depth = 100;
    auto const spec = chain::parse_spec(boost::json::parse(test::read_file(file), {}, options));
    std::string text;
    if (!spec) {
        for (chain::Problem const& problem : spec.error()) {
            text += problem.pointer + ": " + problem.message + '\n';
        }
    }
    return text;
}

}  // namespace

TEST_CASE("spec: every problem of a wrong one is said at once, with its place", "[chain][golden]") {
    std::vector<fs::path> files;
    for (auto const& entry : fs::directory_iterator("tests/golden/chain_specs")) {
        if (entry.path().extension() == ".json") {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    REQUIRE(files.size() >= 200);
    bool const updates = std::getenv("PLIMSOLL_TEST_UPDATE_GOLDEN") != nullptr;
    for (fs::path const& file : files) {
        fs::path expected = file;
        expected.replace_extension(".txt");
        std::string const text = problems_of(file);
        CAPTURE(file);
        CHECK_FALSE(text.empty());
        if (updates) {
            std::ofstream(expected) << text;
        }
        CHECK(text == test::read_file(expected));
    }
}
