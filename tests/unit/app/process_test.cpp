#include "app/process.hpp"

#include "support/catch.hpp"

#include <plimsoll/base/address.hpp>

#include <cstdlib>

using namespace plimsoll;
using namespace plimsoll::app;

TEST_CASE("process: addresses are written as a URL wants them", "[app][unit]") {
    CHECK(authority_of("127.0.0.1", 80) == "127.0.0.1:80");
    CHECK(authority_of("::1", 80) == "[::1]:80");
    CHECK(is_loopback("127.0.0.1"));
    CHECK(is_loopback("127.9.9.9"));
    CHECK(is_loopback("::1"));
    CHECK(is_loopback("LocalHost"));
    CHECK_FALSE(is_loopback("0.0.0.0"));
    CHECK_FALSE(is_loopback("10.0.0.1"));
}

TEST_CASE("process: code that only the start needed leaves memory", "[app][unit]") {
    auto const before = resident_memory();
    let_go_of_start_up_code();
    auto const after = resident_memory();
    CHECK(after < before);
    CHECK(is_loopback("127.0.0.1"));  // and comes back where it is called
}

TEST_CASE("process: the host has memory and a name", "[app][unit]") {
    CHECK(host_memory() > mebibytes(64));
    CHECK_FALSE(machine_name().empty());
}
