#include "proxy/hints.hpp"

#include "support/catch.hpp"

using namespace plimsoll;
using namespace plimsoll::proxy;
using namespace std::chrono_literals;

namespace {

http::Fields fields(std::string_view name, std::string_view value) {
    http::Fields out;
    out.add(name, value);
    return out;
}

}  // namespace

TEST_CASE("hints: urgency becomes a class", "[proxy][unit]") {
    using core::Priority;
    auto const of = [](std::string_view value) { return priority_of(fields("priority", value)); };
    CHECK(of("u=0") == Priority::High);
    CHECK(of("u=2, i") == Priority::High);
    CHECK(of("i, u=3") == Priority::Normal);
    CHECK(of("u=4;x=1") == Priority::Normal);
    CHECK(of("u=5") == Priority::Low);
    CHECK(of(" U = 7 ") == Priority::Low);
    CHECK(of("u=1, u=6") == Priority::Low);  // the last one counts
    for (auto const* nothing : {"", "u", "u=", "u=8", "u=-1", "u=high", "i", "au=1", "u=1.5"}) {
        CHECK_FALSE(of(nothing));
    }
    CHECK_FALSE(priority_of({}));
}

TEST_CASE("hints: the shorter of the two ways to say how long", "[proxy][unit]") {
    auto const of = [](std::string_view value) { return patience_of(fields("Prefer", value)); };
    CHECK(of("wait=10") == 10s);
    CHECK(of("respond-async, wait=100") == 100s);
    CHECK(of("wait=0") == 0s);
    for (auto const* nothing : {"", "wait", "wait=soon", "wait=-1", "wait=99999999999"}) {
        CHECK_FALSE(of(nothing));
    }
    http::Fields both = fields("Prefer", "wait=10");
    both.add("X-Plimsoll-Deadline", "2m");
    CHECK(patience_of(both) == 10s);
    both.set("X-Plimsoll-Deadline", "3s");
    CHECK(patience_of(both) == 3s);
    CHECK(patience_of(fields("X-Plimsoll-Deadline", "1m")) == 1min);
    CHECK_FALSE(patience_of(fields("X-Plimsoll-Deadline", "later")));
}
