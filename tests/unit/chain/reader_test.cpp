#include "chain/spec/reader.hpp"

#include "support/catch.hpp"

#include <boost/json/parse.hpp>

using namespace plimsoll;
using namespace plimsoll::chain;
using namespace std::chrono_literals;

namespace {

struct Read {
    explicit Read(std::string_view text)
        : value(boost::json::parse(text)), reader(value, "/x", problems) {}

    // "POINTER: MESSAGE" of the only problem.
    std::string problem() const {
        REQUIRE(problems.size() == 1);
        return problems.front().pointer + ": " + problems.front().message;
    }

    boost::json::value value;
    std::vector<Problem> problems;
    Reader reader;
};

}  // namespace

TEST_CASE("reader: members of the kind that is wanted", "[chain][unit]") {
    Read read(R"({"t": "a", "b": true, "w": 3, "n": 1.5, "s": 2.5, "l": [1]})");
    CHECK(read.reader.text("t") == "a");
    CHECK(read.reader.boolean("b") == true);
    CHECK(read.reader.whole("w", 3, 3) == 3);
    CHECK(read.reader.number("n", 0, 2) == 1.5);
    CHECK(read.reader.seconds("s", 0s, 10s) == 2500ms);
    CHECK(read.reader.list("l")->size() == 1);
    CHECK(read.reader.find("t")->is_string());
    read.reader.finish();
    CHECK(read.problems.empty());
}

TEST_CASE("reader: what is absent is no problem", "[chain][unit]") {
    Read read("{}");
    CHECK(read.reader.text("t") == std::nullopt);
    CHECK(read.reader.boolean("t") == std::nullopt);
    CHECK(read.reader.whole("t", 0, 1) == std::nullopt);
    CHECK(read.reader.seconds("t", 0s, 1s) == std::nullopt);
    CHECK(read.reader.list("t") == nullptr);
    read.reader.finish();
    CHECK(read.problems.empty());
}

TEST_CASE("reader: another kind is a problem with its pointer", "[chain][unit]") {
    Read read(R"({"a": 1, "b/c": "x", "n": null})");
    SECTION("text") {
        CHECK(read.reader.text("a") == std::nullopt);
        CHECK(read.problem() == "/x/a: wants a text, not a number");
    }
    SECTION("boolean") {
        CHECK(read.reader.boolean("b/c") == std::nullopt);
        CHECK(read.problem() == "/x/b~1c: wants true or false, not a text");
    }
    SECTION("number") {
        CHECK(read.reader.number("b/c", 0, 1) == std::nullopt);
        CHECK(read.problem() == "/x/b~1c: wants a number, not a text");
    }
    SECTION("list") {
        CHECK(read.reader.list("n") == nullptr);
        CHECK(read.problem() == "/x/n: wants a list, not null");
    }
    SECTION("bounds") {
        CHECK(read.reader.whole("a", 2, 9) == std::nullopt);
        CHECK(read.problem() == "/x/a: is 1, and has to be between 2 and 9");
    }
}

TEST_CASE("reader: a part is no whole number", "[chain][unit]") {
    Read read(R"({"a": 1.5})");
    CHECK(read.reader.whole("a", 0, 9) == std::nullopt);
    CHECK(read.problem() == "/x/a: is 1.5, and has to be a whole number");
}

TEST_CASE("reader: no object is one problem, whatever is asked", "[chain][unit]") {
    Read read("[1]");
    CHECK(read.reader.text("a") == std::nullopt);
    read.reader.finish();
    CHECK(read.problem() == "/x: wants an object, not a list");
}

TEST_CASE("reader: unknown members are named with the nearest known one", "[chain][unit]") {
    Read read(R"({"instrction": "", "zzz": 1})");
    static_cast<void>(read.reader.text("instruction"));
    static_cast<void>(read.reader.text("model"));
    read.reader.finish();
    REQUIRE(read.problems.size() == 2);
    CHECK(read.problems[0].pointer == "/x/instrction");
    CHECK(read.problems[0].message == "is unknown; do you mean \"instruction\"?");
    CHECK(read.problems[1].message == "is unknown; there are instruction, model");
}

TEST_CASE("reader: pointers escape what they are made of", "[chain][unit]") {
    CHECK(pointer_to("", "a~b/c") == "/a~0b~1c");
    CHECK(pointer_to("/steps", 3) == "/steps/3");
}
