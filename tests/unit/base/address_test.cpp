#include "support/catch.hpp"

#include <plimsoll/base/address.hpp>

using plimsoll::is_loopback;

TEST_CASE("address: what no other machine reaches", "[base][unit]") {
    for (auto const* here :
         {"127.0.0.1", "127.9.9.9", "::1", "localhost", "LocalHost", "unix:/run/a.sock"}) {
        CAPTURE(here);
        CHECK(is_loopback(here));
    }
    for (auto const* there :
         {"", "0.0.0.0", "10.0.0.1", "::", "1270.0.0.1", "127.example.org", "localhost.example"}) {
        CAPTURE(there);
        CHECK_FALSE(is_loopback(there));
    }
}
