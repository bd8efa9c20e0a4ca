#include "support/catch.hpp"

#include <plimsoll/net/wall_clock.hpp>

namespace plimsoll::net {
namespace {

using namespace std::chrono_literals;

TEST_CASE("wall clock: times are printed as the upstream prints them", "[net][unit]") {
    CHECK(rfc3339(0s) == "1970-01-01T00:00:00Z");
    CHECK(rfc3339(1795445828s + 954065us) == "2026-11-23T14:57:08.954065Z");
    CHECK(rfc3339(1795445828s + 500000us) == "2026-11-23T14:57:08.5Z");
    CHECK(rfc3339(1795445828s + 9'223'372'036s).substr(0, 4) == "2319");
}

}  // namespace
}  // namespace plimsoll::net
