#include "control/query.hpp"

#include "support/catch.hpp"

#include <array>

using namespace plimsoll;
using namespace plimsoll::control;
using namespace std::string_view_literals;

namespace {

constexpr std::array kKnown{"after"sv, "follow"sv, "limit"sv};

Result<Query> read(std::string query) {
    http::RequestHead head;
    head.query = std::move(query);
    return read_query(head, kKnown);
}

std::string problem(std::string query) {
    auto const read_it = read(std::move(query));
    return read_it ? std::string() : read_it.error().message;
}

}  // namespace

TEST_CASE("control query: names and values with their escapes", "[control][query]") {
    auto const query = read("after=17%2C4&limit=&&follow");
    REQUIRE(query.has_value());
    CHECK(query->at("after") == "17,4");
    CHECK(query->at("limit").empty());
    CHECK(query->at("follow").empty());
    CHECK(read("")->empty());
}

TEST_CASE(
    "control query: what is misspelt is an error that names the right one", "[control][query]"
) {
    CHECK(
        problem("folow=0") == R"(unknown parameter "folow" in the query; did you mean "follow"?)"
    );
    CHECK(
        problem("banana=1") ==
        R"(unknown parameter "banana" in the query; known are: after, follow, limit)"
    );
    CHECK(problem("limit=1&limit=2") == R"("limit" stands twice in the query)");
    CHECK(problem("limit=%zz") == R"("limit=%zz" in the query is escaped wrongly)");
    CHECK(problem("limit=%1") == R"("limit=%1" in the query is escaped wrongly)");
}

TEST_CASE("control query: numbers are whole and in their range", "[control][query]") {
    auto const text = GENERATE("0", "11", "-1", "1.0", "x", "", "99999999999999999999");
    auto const query = read(std::string("limit=") + text);
    REQUIRE(query.has_value());
    CAPTURE(text);
    CHECK_FALSE(number_parameter(*query, "limit", 1, 10).has_value());
    CHECK(number_parameter(*read("limit=10"), "limit", 1, 10).value() == 10U);
    CHECK(number_parameter(*read(""), "limit", 1, 10).value() == std::nullopt);
}

TEST_CASE("control query: a flag is 1 or 0", "[control][query]") {
    CHECK(flag_parameter(*read("follow=1"), "follow", false).value());
    CHECK(flag_parameter(*read("follow=true"), "follow", false).value());
    CHECK_FALSE(flag_parameter(*read("follow=0"), "follow", true).value());
    CHECK_FALSE(flag_parameter(*read("follow=false"), "follow", true).value());
    CHECK(flag_parameter(*read(""), "follow", true).value());
    CHECK_FALSE(flag_parameter(*read("follow=yes"), "follow", true).has_value());
}
