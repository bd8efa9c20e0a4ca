// Server and client together, as the proxy uses them: byte-exact however the upstream cuts its
// bytes.
#include "support/catch.hpp"

#include <plimsoll/http/chunked.hpp>

#include "component/net_fixture.hpp"

#include <string>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kGet = "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kPayload = "{\"token\":\"a\"}\n{\"token\":\"b\\r\\n0\\r\\n\"}\n";

Task<void> relay(Client& client, Exchange& exchange) {
    ClientRequest request;
    request.method = exchange.head().method;
    request.target = exchange.head().target;
    auto answer = co_await client.send(request, &exchange.canceller());
    if (!answer) {
        co_await exchange.respond(http::text_reply(502, answer.error().message));
        co_return;
    }
    auto const& head = answer->head();
    auto going = co_await exchange.start(
        head.status, head.reason, http::end_to_end(head.fields), head.framing, true
    );
    while (going) {
        auto const piece = co_await answer->read_some(60s, &exchange.canceller());
        if (!piece) {
            exchange.abort();
            co_return;
        }
        if (piece->empty()) {
            co_await exchange.finish();
            co_return;
        }
        going = co_await exchange.write(*piece);
    }
}

struct RelayFixture {
    RelayFixture()
        : client(loop, config()),
          server(loop, {}, [this](Exchange& exchange) { return relay(client, exchange); }) {
        REQUIRE(server.listen().has_value());
    }

    ClientConfig config() const {
        ClientConfig made;
        made.port = upstream.port();
        return made;
    }

    bool pump(std::function<bool()> const& done) { return test::pump(loop, done); }

    Loop loop{ClockMode::Manual};
    RawServer upstream;
    Client client;
    Server server;
};

// The payload of an answer to the raw client: its chunks put together, nullopt while incomplete or
// if malformed.
std::optional<std::string> payload_of(std::string_view answer) {
    auto const head = answer.find("\r\n\r\n");
    if (head == std::string_view::npos) {
        return std::nullopt;
    }
    auto const chunked =
        answer.substr(0, head).find("Transfer-Encoding: chunked") != std::string_view::npos;
    answer.remove_prefix(head + 4);
    if (!chunked) {
        return std::string(answer);
    }
    std::string payload;
    http::ChunkedDecoder decoder;
    while (!answer.empty()) {
        auto const step = decoder.next(answer);
        if (!step || step->consumed == 0) {
            return std::nullopt;
        }
        payload += step->payload;
        answer.remove_prefix(step->consumed);
        if (step->done) {
            return answer.empty() ? std::optional(payload) : std::nullopt;
        }
    }
    return std::nullopt;
}

std::string chunked_answer() {
    std::string const payload(kPayload);
    std::string coded =
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: "
        "chunked\r\n\r\n";
    char header[20];
    coded += std::string(http::chunk_header(5, header)) + payload.substr(0, 5) + "\r\n";
    coded +=
        std::string(http::chunk_header(payload.size() - 5, header)) + payload.substr(5) + "\r\n";
    return coded + "0\r\n\r\n";
}

std::string length_answer() {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kPayload.size()) + "\r\n\r\n" +
           std::string(kPayload);
}

}  // namespace

TEST_CASE(
    "relay: upstream in segments of one byte: exact bytes, both connections serve again",
    "[net][component]"
) {
    std::string const answer = GENERATE(chunked_answer(), length_answer());
    RelayFixture fixture;
    auto client = Raw::connect(fixture.server.port());
    std::unique_ptr<Raw> upstream;
    for (int round = 0; round < 2; ++round) {
        client->send(kGet);
        REQUIRE(fixture.pump([&] {
            if (!upstream) {
                upstream = fixture.upstream.accept();
            }
            return upstream && upstream->has("\r\n\r\n");
        }));
        upstream->take();
        for (char const byte : answer) {
            upstream->send({&byte, 1});
            fixture.loop.poll();
        }
        REQUIRE(fixture.pump([&] { return payload_of(client->text()) == kPayload; }));
        REQUIRE(fixture.pump([&] { return fixture.client.idle_connections() == 1; }));
        client->take();
    }
    CHECK(fixture.upstream.accept() == nullptr);
    CHECK(fixture.server.connections() == 1);
}

TEST_CASE(
    "relay: upstream cut at every place: exact bytes, both connections serve again",
    "[net][component]"
) {
    std::string const answer = GENERATE(chunked_answer(), length_answer());
    RelayFixture fixture;
    auto client = Raw::connect(fixture.server.port());
    std::unique_ptr<Raw> upstream;
    for (std::size_t cut = 1; cut < answer.size(); ++cut) {
        CAPTURE(cut);
        client->send(kGet);
        REQUIRE(fixture.pump([&] {
            if (!upstream) {
                upstream = fixture.upstream.accept();
            }
            return upstream && upstream->has("\r\n\r\n");
        }));
        upstream->take();
        upstream->send(std::string_view(answer).substr(0, cut));
        for (int i = 0; i < 3; ++i) {
            fixture.loop.poll();
        }
        REQUIRE_FALSE(payload_of(client->text()) == kPayload);
        upstream->send(std::string_view(answer).substr(cut));
        REQUIRE(fixture.pump([&] { return payload_of(client->text()) == kPayload; }));
        REQUIRE(fixture.pump([&] { return fixture.client.idle_connections() == 1; }));
        client->take();
    }
    CHECK(fixture.upstream.accept() == nullptr);
}

TEST_CASE("relay: one upstream flush is one downstream chunk", "[net][component]") {
    RelayFixture fixture;
    auto client = Raw::connect(fixture.server.port());
    client->send(kGet);
    std::unique_ptr<Raw> upstream;
    REQUIRE(fixture.pump([&] { return (upstream = fixture.upstream.accept()) != nullptr; }));
    upstream->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    REQUIRE(fixture.pump([&] { return client->has("\r\n\r\n"); }));
    client->take();
    upstream->send("3\r\none\r\n3\r\ntwo\r\n");
    REQUIRE(fixture.pump([&] { return client->has("two\r\n"); }));
    CHECK(client->take() == "6\r\nonetwo\r\n");
    upstream->send("4\r\nmore\r\n");
    REQUIRE(fixture.pump([&] { return client->has("more\r\n"); }));
    CHECK(client->take() == "4\r\nmore\r\n");
}

TEST_CASE(
    "relay: an upstream that dies mid-stream shows as a cut to the client", "[net][component]"
) {
    bool const by_reset = GENERATE(false, true);
    RelayFixture fixture;
    auto client = Raw::connect(fixture.server.port());
    client->send(kGet);
    std::unique_ptr<Raw> upstream;
    REQUIRE(fixture.pump([&] { return (upstream = fixture.upstream.accept()) != nullptr; }));
    upstream->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n");
    REQUIRE(fixture.pump([&] { return client->has("part\r\n"); }));
    by_reset ? upstream->reset() : upstream->close();
    REQUIRE(fixture.pump([&] { return client->has_ended(); }));
    CHECK(client->text().ends_with("4\r\npart\r\n"));
}

TEST_CASE("relay: a client that leaves closes the upstream connection", "[net][component]") {
    RelayFixture fixture;
    auto client = Raw::connect(fixture.server.port());
    client->send(kGet);
    std::unique_ptr<Raw> upstream;
    REQUIRE(fixture.pump([&] { return (upstream = fixture.upstream.accept()) != nullptr; }));
    bool const mid_stream = GENERATE(false, true);
    if (mid_stream) {
        upstream->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n");
        REQUIRE(fixture.pump([&] { return client->has("part\r\n"); }));
    }
    settle(fixture.loop);
    client->close();
    CHECK(fixture.pump([&] { return upstream->has_ended(); }));
    CHECK(fixture.pump([&] { return fixture.loop.running_tasks() == 0; }));
    CHECK(fixture.client.idle_connections() == 0);
}

TEST_CASE(
    "relay: a client that does not read slows the upstream down, and memory stays small",
    "[net][component]"
) {
    RelayFixture fixture;
    auto client = Raw::connect(fixture.server.port());
    client->shrink_window();
    client->send(kGet);
    std::unique_ptr<Raw> upstream;
    REQUIRE(fixture.pump([&] { return (upstream = fixture.upstream.accept()) != nullptr; }));
    constexpr std::size_t kSize = 64 << 20;
    upstream->send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
    std::size_t pushed = 0;
    for (int i = 0; i < 50; ++i) {
        pushed += upstream->send_until_full(kSize - pushed);
        settle(fixture.loop);
    }
    CHECK(pushed < kSize);
    REQUIRE(fixture.pump([&] {
        pushed += upstream->send_until_full(kSize - pushed);
        return client->text().size() > kSize;
    }));
    CHECK(fixture.pump([&] { return payload_of(client->text())->size() == kSize; }));
}
