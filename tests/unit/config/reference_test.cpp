#include "support/catch.hpp"
#include "support/fixtures.hpp"

#include <plimsoll/config/config.hpp>

#include <boost/json/parse.hpp>

using namespace plimsoll;

// After a change of a setting: plimsoll config reference > docs/configuration.md
TEST_CASE("config: the reference in the documents is that of the table", "[config][unit]") {
    CHECK(test::read_file("docs/configuration.md") == config::reference());
}

// plimsoll config schema > config/plimsoll.schema.json
TEST_CASE("config: the schema beside the sample is that of the table", "[config][unit]") {
    CHECK(test::read_file("config/plimsoll.schema.json") == config::json_schema());
}

TEST_CASE("config: every setting says what it takes and what it means", "[config][unit]") {
    CHECK_THAT(config::reference(), !ContainsSubstring("|  |"));
    auto const schema = boost::json::parse(config::json_schema());
    auto const& properties = schema.at("properties").as_object();
    auto const& server = properties.at("server").at("properties").as_object();
    CHECK(server.at("max_fields").at("minimum") == 10);
    CHECK(server.at("max_fields").at("maximum") == 10'000);
    auto const& upstream = properties.at("upstream").at("items").at("properties").as_object();
    CHECK(upstream.at("kv_cache_type").at("enum").as_array().size() == 4);
    auto const& model =
        properties.at("models").at("additionalProperties").at("properties").as_object();
    CHECK(model.at("pin").at("type") == "boolean");
}
