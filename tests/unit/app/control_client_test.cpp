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

TEST_CASE("control client: a Unix socket that is not there is named", "[app][unit]") {
    auto client = ControlClient::make("unix:/no/such.sock");
    REQUIRE(client);
    auto const answer = client->get("/plimsoll/v1/status");
    REQUIRE_FALSE(answer);
    CHECK_THAT(
        answer.error().message, ContainsSubstring("no Plimsoll answers at unix:/no/such.sock;")
    );
}

TEST_CASE("control client: a CA file that is none is an error before the call", "[app][unit]") {
    auto const client = ControlClient::make("https://127.0.0.1:1", {}, "/no/such.pem");
    REQUIRE_FALSE(client);
    CHECK_THAT(
        client.error().message, ContainsSubstring("the CA file /no/such.pem cannot be read")
    );
}
