#include "support/catch.hpp"

#include <plimsoll/base/result.hpp>

#include <set>

using namespace plimsoll;

TEST_CASE("result: context goes before the message and keeps the rest", "[base][unit]") {
    Result<int> const failed = fail(Errc::Timeout, "no answer within 30 s", ErrorSource::Upstream);
    REQUIRE_FALSE(failed.has_value());
    Error const error = Error(failed.error()).context("unloading gemma3:4b");
    CHECK(error.message == "unloading gemma3:4b: no answer within 30 s");
    CHECK(error.code == Errc::Timeout);
    CHECK(error.source == ErrorSource::Upstream);
}

TEST_CASE("result: every code has a name of its own", "[base][unit]") {
    std::set<std::string_view> names;
    for (int code = 0; code <= static_cast<int>(Errc::Unsupported); ++code) {
        names.insert(to_string(static_cast<Errc>(code)));
    }
    CHECK(names.size() == static_cast<std::size_t>(Errc::Unsupported) + 1);
    CHECK_FALSE(names.contains("unknown"));
}
