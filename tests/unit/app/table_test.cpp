#include "app/table.hpp"

#include "support/catch.hpp"

#include <algorithm>

using namespace plimsoll::app;

TEST_CASE("table: columns are aligned and lines end without blanks", "[app][unit]") {
    Table table({{"NAME"}, {"SIZE", Align::Right}, {"NOTE"}});
    table.add({{"a"}, {"1.5 GiB"}, {""}});
    table.add({{"longer:7b"}, {"300 MiB"}, {"pinned"}});
    CHECK(
        table.render({}) ==
        "NAME          SIZE  NOTE\n"
        "a          1.5 GiB\n"
        "longer:7b  300 MiB  pinned\n"
    );
}

TEST_CASE("table: an empty cell in the middle keeps the columns after it in place", "[app][unit]") {
    Table table({{"A"}, {"B", Align::Right}, {"C"}});
    table.add({{"x"}, {""}, {"z"}});
    table.add({{"x"}, {"22"}, {"z"}});
    CHECK(table.render({}) == "A   B  C\nx      z\nx  22  z\n");
}

TEST_CASE("table: widths count characters, not bytes", "[app][unit]") {
    Table table({{"A"}, {"B"}});
    table.add({{"\xc3\xa4\xc3\xb6"}, {"x"}});
    table.add({{"ab"}, {"x"}});
    CHECK(table.render({}) == "A   B\n\xc3\xa4\xc3\xb6  x\nab  x\n");
}

TEST_CASE("table: control characters of a model's name cannot reach the terminal", "[app][unit]") {
    Table table({{"A"}});
    table.add({{"a\x1b[31m\nb"}});
    auto const text = table.render({});
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
}

TEST_CASE("table: colours surround the text and do not count as width", "[app][unit]") {
    Table table({{"A"}, {"B"}});
    table.add({{"x", Colour::Green}, {"y"}});
    Terminal terminal;
    terminal.colours = true;
    CHECK(table.render(terminal) == "\x1b[2mA\x1b[0m  \x1b[2mB\x1b[0m\n\x1b[32mx\x1b[0m  y\n");
}
