#include "sim/json.hpp"

#include "support/catch.hpp"

namespace plimsoll::test {

namespace {

std::string error_of(std::string_view text) {
    auto const read = sim::read_json(text);
    return read ? "" : read.error().message;
}

}  // namespace

TEST_CASE("sim json: only the first value counts", "[sim][json]") {
    auto const read =
        sim::read_json(R"( {"a": [1, 2.5e1, true, null, "x"]} and the rest is ignored)");
    REQUIRE(read.has_value());
    REQUIRE(read->find("a") != nullptr);
    CHECK(read->find("a")->items.size() == 5);
    CHECK(read->find("a")->items[1].number == 25);
}

TEST_CASE("sim json: keys match by folding, the last one wins, escapes count", "[sim][json]") {
    auto const read =
        sim::read_json(R"({"model": "a", "MODEL": "b", "\u006dodel": "c", "model": null})");
    REQUIRE(read.has_value());
    REQUIRE(read->find_folded("model") != nullptr);
    CHECK(read->find_folded("model")->text == "c");
    CHECK(read->find_folded("model", true) == nullptr);
    auto const kelvin = sim::read_json(
        "{\"\xE2\x84\xAA"
        "eep_alive\": 1}"
    );
    REQUIRE(kelvin.has_value());
    CHECK(kelvin->find_folded("keep_alive") != nullptr);
}

TEST_CASE("sim json: strings are decoded", "[sim][json]") {
    auto const read = sim::read_json(R"("\ud83d\ude00 \u00e4\n\ud800")");
    REQUIRE(read.has_value());
    CHECK(read->text == "\xF0\x9F\x98\x80 \xC3\xA4\n\xEF\xBF\xBD");
}

TEST_CASE("sim json: errors have the sentences of Go", "[sim][json]") {
    CHECK(error_of("") == "EOF");
    CHECK(error_of("  \n") == "EOF");
    CHECK(error_of("{") == "unexpected EOF");
    CHECK(error_of(R"({"model": "a", "prompt": )") == "unexpected EOF");
    CHECK(error_of("hello") == "invalid character 'h' looking for beginning of value");
    CHECK(error_of("{a}") == "invalid character 'a' looking for beginning of object key string");
    CHECK(error_of(R"({"a" 1})") == "invalid character '1' after object key");
    CHECK(error_of("[1 2]") == "invalid character '2' after array element");
    CHECK(error_of("nul!") == "invalid character '!' in literal null (expecting 'l')");
    CHECK(error_of("\xEF\xBB\xBF{}") != "");
    CHECK(error_of(std::string(100'000, '[')) == "exceeded max depth");
}

}  // namespace plimsoll::test
