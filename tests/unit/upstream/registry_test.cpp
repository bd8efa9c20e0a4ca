#include "support/catch.hpp"

#include <plimsoll/upstream/provider.hpp>

namespace plimsoll::upstream {
namespace {

TEST_CASE("registry: the built-in provider is found by its name", "[upstream][unit]") {
    net::Loop loop(net::ClockMode::Manual);
    Registry registry;
    register_builtin(registry);
    auto const provider = registry.make(loop, {});
    REQUIRE(provider);
    CHECK((*provider)->client().authority() == "127.0.0.1:11434");
    CHECK((*provider)->capabilities().closing_aborts_load);
}

TEST_CASE(
    "registry: an unknown kind is refused with the known ones and the nearest", "[upstream][unit]"
) {
    net::Loop loop(net::ClockMode::Manual);
    Registry registry;
    register_builtin(registry);
    UpstreamConfig config;
    config.name = "main";
    config.provider = "olama";
    auto const provider = registry.make(loop, config);
    REQUIRE_FALSE(provider);
    CHECK(provider.error().code == Errc::Invalid);
    CHECK_THAT(
        provider.error().message,
        ContainsSubstring("\"main\"") && ContainsSubstring("did you mean \"ollama\"") &&
            ContainsSubstring("has: ollama")
    );
}

TEST_CASE("registry: a bad url is refused by the provider", "[upstream][unit]") {
    net::Loop loop(net::ClockMode::Manual);
    Registry registry;
    register_builtin(registry);
    UpstreamConfig config;
    config.url = "ftp://127.0.0.1";
    auto const provider = registry.make(loop, config);
    REQUIRE_FALSE(provider);
    CHECK_THAT(provider.error().message, ContainsSubstring("https"));
}

TEST_CASE("registry: a CA file that cannot be read is named", "[upstream][unit]") {
    net::Loop loop(net::ClockMode::Manual);
    Registry registry;
    register_builtin(registry);
    UpstreamConfig config;
    config.url = "https://127.0.0.1";
    CHECK(registry.make(loop, config));
    config.tls.ca_file = "/no/such.pem";
    auto const provider = registry.make(loop, config);
    REQUIRE_FALSE(provider);
    CHECK_THAT(provider.error().message, ContainsSubstring("/no/such.pem cannot be read"));
}

}  // namespace
}  // namespace plimsoll::upstream
