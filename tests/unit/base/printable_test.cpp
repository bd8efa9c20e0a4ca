#include "support/catch.hpp"

#include <plimsoll/base/text.hpp>

using namespace plimsoll;

namespace {

struct Case {
    std::string text;
    std::string shown;
};

}  // namespace

TEST_CASE("printable: what could forge a line or drive a terminal is escaped", "[base][unit]") {
    Case const c = GENERATE(
        Case{
            "plain text, \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
            "plain text, \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"
        },
        Case{"a\r\nb\tc", "a\\r\\nb\\tc"},
        Case{std::string("a\0b", 3), "a\\x00b"},
        Case{"\x1b[2J", "\\x1b[2J"},
        Case{"\x7f", "\\x7f"},
        Case{"\xc2\x9b", "\\u009b"},  // CSI as one C1 control
        Case{
            "\xe2\x80\xae"
            "exe",
            "\\u202eexe"
        },  // right-to-left override
        Case{"\xe2\x81\xa6", "\\u2066"},
        Case{"\xe2\x80\xa8", "\\u2028"},
        Case{"\xf3\xa0\x80\x81", "\\U000e0001"},
        Case{"\xff\xfe", "\\xff\\xfe"},
        Case{"\xc0\xaf", "\\xc0\\xaf"},           // overlong
        Case{"\xed\xa0\x80", "\\xed\\xa0\\x80"},  // surrogate
        Case{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
        Case{"cut \xe2\x82", "cut \\xe2\\x82"},
        Case{"\xe2\x28\xa1", "\\xe2(\\xa1"}
    );
    CHECK(printable(c.text) == c.shown);
}

TEST_CASE("printable: long text is cut between characters, with an ellipsis", "[base][unit]") {
    CHECK(printable("12345678", 8) == "12345678");
    CHECK(printable("123456789", 8) == "12345\xe2\x80\xa6");
    CHECK(printable("1234\xc3\xa4\xc3\xa4", 7) == "1234\xe2\x80\xa6");
    CHECK(printable("\n\n\n\n", 5) == "\\n\xe2\x80\xa6");
    CHECK(printable("abc", 2).empty());
    std::string const million(1'000'000, '\n');
    CHECK(printable(million).size() <= 512);
}
