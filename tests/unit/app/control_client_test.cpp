#include "app/control_client.hpp"

#include "support/catch.hpp"

using namespace plimsoll;
using namespace plimsoll::app;

TEST_CASE(
    "control client: a daemon that is not there is said so, with how to start it", "[app][unit]"
) {
    auto client = ControlClient::make("http://127.0.0.1:1");  // nothing listens there
    REQUIRE(client);
    auto const answer = client->get("/plimsoll/v1/status");
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::UpstreamUnavailable);
    CHECK_THAT(
        answer.error().message, ContainsSubstring("no Plimsoll answers at http://127.0.0.1:1;")
    );
    CHECK_THAT(answer.error().message, ContainsSubstring("plimsoll serve"));
}

TEST_CASE(
    "control client: an address that is none is refused before anything is sent", "[app][unit]"
) {
    auto const client = ControlClient::make("ftp://x");
    REQUIRE_FALSE(client);
    CHECK_THAT(client.error().message, ContainsSubstring("--url"));
}
