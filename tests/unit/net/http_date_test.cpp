#include "net/http_date.hpp"

#include "support/catch.hpp"

using namespace plimsoll::net;

TEST_CASE("http date: the form of RFC 9110 5.6.7, whatever the locale", "[net][unit]") {
    CHECK(format_http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(format_http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(format_http_date(1709164800) == "Thu, 29 Feb 2024 00:00:00 GMT");
}

TEST_CASE("http date: the field is a whole line", "[net][unit]") {
    DateField date;
    auto const line = std::string(date.line());
    CHECK(line.starts_with("Date: "));
    CHECK(line.ends_with(" GMT\r\n"));
}
