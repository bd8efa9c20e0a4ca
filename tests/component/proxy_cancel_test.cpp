#include "support/catch.hpp"

#include "proxy_fixture.hpp"

using namespace plimsoll;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

std::string const kWork = R"({"model":"smollm2:135m","prompt":"hi"})";

// Starts a stream, says one line, then waits for ever (until the connection is closed).
net::Handler endless(bool& was_closed) {
    return [&was_closed](net::Exchange& exchange) -> net::Task<void> {
        auto sent = co_await exchange.start(200, "OK", {}, {http::Framing::Kind::Chunked, 0}, true);
        sent = co_await exchange.write("{\"response\":\"a\",\"done\":false}\n");
        auto const slept = co_await net::sleep_until(
            exchange.loop(), exchange.loop().now() + 1h, &exchange.canceller()
        );
        was_closed = !slept;
    };
}

}  // namespace

TEST_CASE(
    "cancel: a client gone in mid-stream closes the upstream request and gives its lease back",
    "[proxy][cancel]"
) {
    ProxyFixture f;
    bool was_closed = false;
    f.ollama.on_inference = endless(was_closed);
    auto const peer = f.connect();
    peer->send(post_text("/api/generate", kWork));
    REQUIRE(f.pump([&] { return peer->has("\"a\""); }));
    CHECK(f.engine->snapshot().instances.at(0).leases == 1);
    auto const way = GENERATE(0, 1, 2);
    if (way == 0) {
        peer->close();
    } else if (way == 1) {
        peer->reset();
    } else {
        peer->stop_sending();  // half-closed counts as gone, as for Ollama itself
    }
    auto const before = f.loop.now();
    REQUIRE(f.pump([&] { return was_closed; }));
    CHECK(f.engine->snapshot().instances.at(0).leases == 0);
    CHECK(f.loop.now() - before < 1s);
}

TEST_CASE("cancel: a client gone before the first byte leaves nothing behind", "[proxy][cancel]") {
    ProxyFixture f;
    bool was_closed = false;
    f.ollama.on_inference = [&was_closed](net::Exchange& exchange) -> net::Task<void> {
        auto const slept = co_await net::sleep_until(
            exchange.loop(), exchange.loop().now() + 1h, &exchange.canceller()
        );
        was_closed = !slept;
    };
    auto const peer = f.connect();
    peer->send(post_text("/api/generate", kWork));
    REQUIRE(f.pump([&] { return f.ollama.count("POST /api/generate") == 2; }));
    peer->close();
    REQUIRE(f.pump([&] { return was_closed; }));
    CHECK(f.engine->snapshot().instances.at(0).leases == 0);
}

TEST_CASE(
    "cancel: a client gone while its model loads leaves the load to nobody, and it is given up",
    "[proxy][cancel]"
) {
    ProxyFixture f;
    f.ollama.load_time = 60s;
    auto const peer = f.connect();
    peer->send(post_text("/api/generate", kWork));
    REQUIRE(f.pump([&] { return f.engine->snapshot().counters.loads == 1; }));
    peer->close();
    REQUIRE(f.pump([&] { return f.engine->snapshot().counters.loads_aborted == 1; }));
    CHECK(f.engine->snapshot().waiting.empty());
    CHECK(f.ollama.loaded.empty());
}

TEST_CASE("cancel: a hundred identical cold requests are one load", "[proxy][cancel]") {
    ProxyFixture f;
    std::vector<std::unique_ptr<Raw>> peers;
    for (int i = 0; i < 100; ++i) {
        peers.push_back(f.connect());
        peers.back()->send(post_text("/api/generate", kWork));
    }
    REQUIRE(f.pump([&] {
        return std::ranges::all_of(peers, [](auto const& peer) { return peer->has_ended(); });
    }));
    for (auto const& peer : peers) {
        CHECK(status_of(peer->text()) == 200);
    }
    CHECK(f.engine->snapshot().counters.loads == 1);
}
