// Servers with TLS, against a client whose every record and byte the test decides.
#include "support/catch.hpp"

#include <plimsoll/log/log.hpp>
#include <plimsoll/net/tls.hpp>

#include "component/tls_fixture.hpp"

#include <fstream>
#include <string>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::size_t kMuch = 8 << 20;

std::string pattern(std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        out[i] = static_cast<char>('a' + i * 7 % 26);
    }
    return out;
}

// Sends the body back; "/cut" begins an answer and breaks it off; "/wait" waits for an hour.
struct Site {
    Task<void> serve(Exchange& exchange) {
        ++begun;
        secure = exchange.is_secure();
        Body body;
        auto const read = co_await exchange.read_body(body, 64 << 20);
        if (!read) {
            ++ended;
            co_return;
        }
        if (exchange.head().target == "/wait") {
            auto const when = exchange.loop().now() + 1h;
            auto const slept = co_await sleep_until(exchange.loop(), when, &exchange.canceller());
            cancelled = !slept;
        }
        if (exchange.head().target == "/cut") {
            http::Framing const framing{.kind = http::Framing::Kind::Chunked, .length = 0};
            co_await exchange.start(200, "OK", {}, framing, true);
            co_await exchange.write("part");
            exchange.abort();
        } else {
            co_await exchange.respond(http::text_reply(200, "ok " + std::string(body.view())));
        }
        ++ended;
    }

    int begun = 0;
    int ended = 0;
    bool secure = false;
    bool cancelled = false;
};

struct TlsFixture {
    explicit TlsFixture(ServerConfig config = {})
        : fixture(
              [this](Exchange& exchange) { return site.serve(exchange); },
              with_tls(std::move(config))
          ) {}

    ServerConfig with_tls(ServerConfig config) {
        certificates.make("old", "localhost");
        config.tls = certificates.server("old");
        return config;
    }

    std::unique_ptr<TlsPeer> connect(PeerOptions options = {}) {
        return TlsPeer::connect(fixture.server.port(), options);
    }

    std::unique_ptr<TlsPeer> connected(PeerOptions options = {}) {
        auto peer = connect(options);
        REQUIRE(pump([&] { return peer->is_established(); }));
        return peer;
    }

    bool pump(std::function<bool()> const& done) { return fixture.pump(done); }

    Certificates certificates;
    Site site;
    ServerFixture fixture;
};

std::string post(std::string const& body) {
    return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("tls: a request and its answer, with what the client asked for", "[net][component]") {
    TlsFixture tls;
    auto const peer = tls.connected(
        {.ca = tls.certificates.ca(), .host = "localhost", .protocols = "\x02h2\x08http/1.1"}
    );
    CHECK(peer->protocol() == "http/1.1");
    CHECK(peer->version() == "TLSv1.3");
    peer->send(kGet);
    CHECK(tls.pump([&] { return peer->has("ok "); }));
    CHECK(tls.site.secure);
}

TEST_CASE(
    "tls: version 1.2 is served, older ones and other protocols are not", "[net][component]"
) {
    TlsFixture tls;
    auto const peer = tls.connected({.max_version = TLS1_2_VERSION});
    CHECK(peer->version() == "TLSv1.2");
    peer->send(kGet);
    CHECK(tls.pump([&] { return peer->has("ok "); }));

    auto const old = tls.connect({.max_version = TLS1_1_VERSION});
    CHECK(tls.pump([&] { return old->has_ended(); }));
    CHECK_THAT(old->error(), ContainsSubstring("protocol version"));

    auto const other = tls.connect({.protocols = "\x02h2"});
    CHECK(tls.pump([&] { return other->has_ended(); }));
    CHECK_THAT(other->error(), ContainsSubstring("no application protocol"));
}

TEST_CASE("tls: records that arrive byte by byte", "[net][component]") {
    int const version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    TlsFixture tls;
    auto const peer = tls.connected({.max_version = version});
    auto const body = pattern(1500);
    peer->encrypt(post(body));
    for (char const byte : peer->take_wire()) {
        peer->send_wire({&byte, 1});
        tls.fixture.loop.poll();
    }
    REQUIRE(tls.pump([&] { return peer->has(body); }));
    CHECK(peer->text().ends_with("ok " + body));
}

TEST_CASE("tls: large bodies both ways are exact", "[net][component]") {
    TlsFixture tls;
    auto const peer = tls.connected();
    auto const body = pattern(kMuch);
    peer->send(post(body));
    REQUIRE(tls.pump([&] { return peer->text().size() > kMuch; }));
    auto const text = peer->take();
    CHECK(text.substr(text.find("\r\n\r\n") + 4) == "ok " + body);
}

TEST_CASE("tls: requests that share a record are answered one by one", "[net][component]") {
    TlsFixture tls;
    auto const peer = tls.connected();
    peer->send(post("first") + post("second") + post("third"));
    REQUIRE(tls.pump([&] { return peer->has("ok third"); }));
    CHECK(peer->has("ok first"));
    CHECK(peer->has("ok second"));
}

TEST_CASE("tls: a client that leaves while its request waits cancels it", "[net][component]") {
    enum class Leave { Close, Reset, CloseNotify };
    auto const how = GENERATE(Leave::Close, Leave::Reset, Leave::CloseNotify);
    TlsFixture tls;
    auto const peer = tls.connected();
    peer->send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(tls.pump([&] { return tls.site.begun == 1; }));
    settle(tls.fixture.loop);
    REQUIRE(tls.site.ended == 0);
    switch (how) {
        case Leave::Close:
            peer->close();
            break;
        case Leave::Reset:
            peer->reset();
            break;
        case Leave::CloseNotify:
            peer->send_close_notify();
            break;
    }
    CHECK(tls.pump([&] { return tls.site.ended == 1; }));
    CHECK(tls.site.cancelled);
    CHECK(tls.pump([&] { return tls.fixture.server.connections() == 0; }));
}

TEST_CASE("tls: a goodbye that came with the request is seen", "[net][component]") {
    TlsFixture tls;
    auto const peer = tls.connected();
    // Both in one segment, so that one read of the server takes both.
    peer->encrypt("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    peer->send_close_notify();
    CHECK(tls.pump([&] { return tls.site.ended == 1; }));
    CHECK(tls.site.cancelled);
}

TEST_CASE("tls: a pipelined request does not pass for a departure", "[net][component]") {
    TlsFixture tls;
    auto const peer = tls.connected();
    peer->send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n" + post("next"));
    REQUIRE(tls.pump([&] { return tls.site.begun == 1; }));
    settle(tls.fixture.loop);
    CHECK(tls.site.ended == 0);
    tls.fixture.loop.advance(1h);
    CHECK(tls.pump([&] { return peer->has("ok next"); }));
}

TEST_CASE("tls: a good end says goodbye, a broken one does not", "[net][component]") {
    TlsFixture tls;
    auto const good = tls.connected();
    good->send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    REQUIRE(tls.pump([&] { return good->has_ended(); }));
    CHECK(good->has("ok "));
    CHECK(good->got_close_notify());

    auto const cut = tls.connected();
    cut->send("GET /cut HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(tls.pump([&] { return cut->has_ended(); }));
    CHECK(cut->has("part"));
    CHECK_FALSE(cut->got_close_notify());
}

TEST_CASE("tls: a handshake that does not go on is given up", "[net][component]") {
    std::string const begun = GENERATE(std::string(), std::string("\x16\x03\x01\x02", 4));
    TlsFixture tls;
    auto const peer = Raw::connect(tls.fixture.server.port());
    peer->send(begun);
    REQUIRE(tls.pump([&] { return tls.fixture.server.connections() == 1; }));
    tls.fixture.loop.advance(29s);
    settle(tls.fixture.loop);
    CHECK_FALSE(peer->has_ended());
    tls.fixture.loop.advance(1s);
    CHECK(tls.pump([&] { return peer->has_ended(); }));
    CHECK(tls.pump([&] { return tls.fixture.server.connections() == 0; }));
}

TEST_CASE("tls: silent handshakes keep nobody else waiting", "[net][component]") {
    TlsFixture tls;
    std::vector<std::unique_ptr<Raw>> silent;
    for (int i = 0; i < 50; ++i) {
        silent.push_back(Raw::connect(tls.fixture.server.port()));
    }
    auto const peer = tls.connected();
    peer->send(kGet);
    CHECK(tls.pump([&] { return peer->has("ok "); }));
}

TEST_CASE("tls: a client that leaves in its handshake leaves nothing behind", "[net][component]") {
    bool const by_reset = GENERATE(false, true);
    TlsFixture tls;
    auto const peer = Raw::connect(tls.fixture.server.port());
    peer->send(std::string("\x16\x03\x01\x02", 4));
    REQUIRE(tls.pump([&] { return tls.fixture.server.connections() == 1; }));
    settle(tls.fixture.loop);
    if (by_reset) {
        peer->reset();
    } else {
        peer->close();
    }
    CHECK(tls.pump([&] { return tls.fixture.server.connections() == 0; }));
}

TEST_CASE("tls: who speaks HTTP without TLS is told so", "[net][component]") {
    std::vector<std::string> lines;
    log::capture_for_test([&](std::string_view line) { lines.emplace_back(line); });
    log::configure({.level = log::Level::Debug});
    TlsFixture tls;
    auto const peer = Raw::connect(tls.fixture.server.port());
    peer->send(kGet);
    CHECK(tls.pump([&] { return peer->has_ended(); }));
    CHECK(peer->text().starts_with("HTTP/1.1 400 "));
    CHECK(peer->has("this port speaks TLS: write https:// in the URL"));
    CHECK_FALSE(peer->was_reset());
    log::capture_for_test({});
    log::configure({});
    CHECK(std::ranges::any_of(lines, [](auto const& line) {
        return line.find("speaks HTTP without TLS") != std::string::npos;
    }));
}

TEST_CASE("tls: half a record does not end the idleness of a connection", "[net][component]") {
    TlsFixture tls;
    auto const peer = tls.connected();
    peer->send(kGet);
    REQUIRE(tls.pump([&] { return peer->has("ok "); }));
    peer->encrypt(kGet);
    auto const wire = peer->take_wire();
    peer->send_wire(wire.substr(0, wire.size() / 2));
    settle(tls.fixture.loop);
    tls.fixture.loop.advance(4min);  // more than a head may take
    settle(tls.fixture.loop);
    CHECK_FALSE(peer->has_ended());
    peer->send_wire(wire.substr(wire.size() / 2));
    CHECK(tls.pump([&] { return tls.site.begun == 2; }));
}

TEST_CASE("tls: an idle connection is closed by a drain, with a goodbye", "[net][component]") {
    TlsFixture tls;
    auto const peer = tls.connected();
    peer->send(kGet);
    REQUIRE(tls.pump([&] { return peer->has("ok "); }));
    auto const silent = Raw::connect(tls.fixture.server.port());
    REQUIRE(tls.pump([&] { return tls.fixture.server.connections() == 2; }));
    settle(tls.fixture.loop);
    tls.fixture.server.drain();
    CHECK(tls.pump([&] { return peer->has_ended() && silent->has_ended(); }));
    CHECK(peer->got_close_notify());
    CHECK(tls.pump([&] { return tls.fixture.server.connections() == 0; }));
}

TEST_CASE("tls: too many connections are told so after a handshake", "[net][component]") {
    ServerConfig config;
    config.max_connections = 1;
    TlsFixture tls(config);
    auto const first = tls.connected();
    auto const second = tls.connected();
    second->send(kGet);
    CHECK(tls.pump([&] { return second->has("HTTP/1.1 503"); }));
    auto const silent = Raw::connect(tls.fixture.server.port());
    REQUIRE(tls.pump([&] { return tls.fixture.server.connections() == 3; }));
    tls.fixture.loop.advance(2s);
    CHECK(tls.pump([&] { return silent->has_ended(); }));
}

TEST_CASE("tls: new certificates are for new connections", "[net][component]") {
    TlsFixture tls;
    auto const before = tls.connected();
    CHECK(before->certificate_name() == "old");
    before->send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(tls.pump([&] { return tls.site.begun == 1; }));

    tls.certificates.make("new", "localhost");
    ServerConfig config;
    config.tls = tls.certificates.server("new");
    tls.fixture.server.reconfigure(config);
    auto const after = tls.connected();
    CHECK(after->certificate_name() == "new");

    tls.fixture.loop.advance(1h);
    CHECK(tls.pump([&] { return before->has("ok "); }));
    before->send(kGet);
    CHECK(tls.pump([&] { return tls.site.ended == 2; }));
}

TEST_CASE("tls: files that cannot be used are named with the reason", "[net][component]") {
    Certificates made;
    made.make("a", "localhost");
    made.make("b", "localhost");
    std::ofstream(made.path("empty.pem")) << "nothing\n";
    auto const why = [](TlsServerFiles const& files) {
        auto const context = make_server_tls(files);
        REQUIRE_FALSE(context);
        CHECK(context.error().code == Errc::Invalid);
        return context.error().message;
    };
    auto const good = made.files("a");
    CHECK_THAT(
        why({.certificate = made.path("none.crt"), .key = good.key}),
        ContainsSubstring("none.crt cannot be read: No such file or directory")
    );
    CHECK_THAT(
        why({.certificate = made.path("empty.pem"), .key = good.key}),
        ContainsSubstring("empty.pem cannot be used: no start line")
    );
    CHECK_THAT(
        why({.certificate = good.certificate, .key = made.path("empty.pem")}),
        ContainsSubstring("the key " + made.path("empty.pem") + " cannot be used")
    );
    CHECK_THAT(
        why({.certificate = good.certificate, .key = made.path("b.key")}),
        ContainsSubstring("b.key does not belong to the certificate " + good.certificate)
    );
    CHECK_THAT(
        why({.certificate = good.certificate, .key = ""}), ContainsSubstring("without a key")
    );
    auto const facts = certificate_facts(*made.server("a"));
    CHECK(facts.names == "localhost");
    CHECK(facts.days_left >= 29);
}
