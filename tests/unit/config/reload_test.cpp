#include "support/catch.hpp"

#include <plimsoll/config/config.hpp>

using namespace plimsoll;

namespace {

std::vector<std::string> changes(std::string_view before, std::string_view after) {
    auto const running = config::parse(before, "t");
    auto const wanted = config::parse(after, "t");
    REQUIRE(running.has_value());
    REQUIRE(wanted.has_value());
    return config::needs_restart(*running, *wanted);
}

}  // namespace

TEST_CASE("config: what can change at run time needs no restart", "[config][unit]") {
    CHECK(
        changes(
            "",
            "[server]\nmax_body = \"1MiB\"\nidle_timeout = 1\nqueue_heartbeat = "
            "15\n[[upstream]]\nbudget = "
            "\"5GiB\"\nparallel = 2\n"
            "[scheduler]\nqueue_limit = 3\n[management]\nenabled = false\n[models.x]\npin = true\n"
            "[log]\nlevel = \"debug\"\n"
        )
            .empty()
    );
}

TEST_CASE("config: what needs a restart is named", "[config][unit]") {
    std::vector<std::string> const found = changes(
        "[[upstream]]\nname = \"a\"\n[[upstream]]\nname = \"gone\"\n",
        "state_file = \"/x\"\nrecord = \"/y\"\n[server]\nlisten = "
        "\"127.0.0.1:9\"\n[[upstream]]\nname = "
        "\"a\"\ntimeout = 1\n"
        "[[upstream]]\nname = \"new\"\n"
    );
    CHECK(
        found ==
        std::vector<std::string>{
            "[server] listen: 127.0.0.1:11435 stays, 127.0.0.1:9 is wanted",
            "state_file: /x is wanted",
            "record: /y is wanted",
            "[[upstream]] a: its url, provider, credential, time-outs or retries changed",
            "[[upstream]] new: added",
            "[[upstream]] gone: removed",
        }
    );
}
