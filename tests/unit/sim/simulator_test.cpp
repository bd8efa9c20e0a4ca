// The simulator over loopback, on the manual clock.
#include "support/catch.hpp"

#include <plimsoll/net/client.hpp>
#include <plimsoll/sim/simulator.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>

namespace plimsoll::test {

namespace {

struct Call {
    unsigned status = 0;
    http::Fields fields;
    std::string body;
    bool is_done = false;
    bool has_failed = false;
    net::Canceller canceller;
};

net::Task<void> run_call(
    net::Client& client,
    http::Method method,
    std::string target,
    std::string body,
    std::shared_ptr<Call> out
) {
    net::ClientRequest request;
    request.method = method;
    request.target = std::move(target);
    std::string_view const pieces[] = {body};
    request.pieces = pieces;
    request.has_body = !body.empty();
    request.head_timeout = std::chrono::hours(24);
    request.replayable = false;  // what breaks is to be seen
    auto response = co_await client.send(request, &out->canceller);
    out->has_failed = !response;
    while (response) {
        out->status = response->head().status;
        out->fields = response->head().fields;
        auto const piece = co_await response->read_some(std::chrono::hours(24), &out->canceller);
        out->has_failed = !piece;
        if (!piece || piece->empty()) {
            break;
        }
        out->body += *piece;
    }
    out->is_done = true;
}

struct World {
    explicit World(sim::SimConfig config = {}) {
        config.port = 0;
        config.default_ctx = 4096;
        auto made = sim::Simulator::make(loop, config);
        REQUIRE(made.has_value());
        simulator = std::move(*made);
        REQUIRE(simulator->listen().has_value());
        net::ClientConfig client_config;
        client_config.port = simulator->port();
        client = std::make_unique<net::Client>(loop, client_config);
    }

    ~World() {
        client->drop_idle();
        simulator->close();
        turn(50);
    }

    // Lets the sockets have their say without moving the clock.
    void turn(int times) {
        for (int i = 0; i < times; ++i) {
            loop.poll();
            std::this_thread::yield();
        }
    }

    std::shared_ptr<Call> start(http::Method method, std::string target, std::string body = {}) {
        auto out = std::make_shared<Call>();
        loop.spawn("call", run_call(*client, method, std::move(target), std::move(body), out));
        turn(200);
        return out;
    }

    // Moves the clock in small steps until the answer is whole.
    void wait(Call const& call) {
        for (int i = 0; i < 20'000 && !call.is_done; ++i) {
            turn(5);
            loop.advance(std::chrono::milliseconds(10));
        }
        REQUIRE(call.is_done);
    }

    std::shared_ptr<Call> post(std::string target, std::string body) {
        auto out = start(http::Method::Post, std::move(target), std::move(body));
        wait(*out);
        return out;
    }

    std::shared_ptr<Call> get(std::string target) {
        auto out = start(http::Method::Get, std::move(target));
        wait(*out);
        return out;
    }

    boost::json::object books() {
        return boost::json::parse(get("/sim/v1/books")->body).as_object();
    }

    std::size_t rows() {
        return boost::json::parse(get("/api/ps")->body).as_object().at("models").as_array().size();
    }

    net::Loop loop{net::ClockMode::Manual};
    std::unique_ptr<sim::Simulator> simulator;
    std::unique_ptr<net::Client> client;
};

std::size_t lines(std::string const& text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

}  // namespace

TEST_CASE("simulator: says what it is", "[sim][http]") {
    World world;
    CHECK_THAT(world.get("/api/version")->body, ContainsSubstring("sim"));
    auto const answer = world.post(
        "/api/generate", R"({"model": "smollm2:135m", "prompt": "hi", "stream": false})"
    );
    CHECK(answer->status == 200);
    CHECK_THAT(answer->body, ContainsSubstring("This is a simulated answer"));
    auto const again = world.post(
        "/api/generate", R"({"model": "smollm2:135m", "prompt": "hi", "stream": false})"
    );
    CHECK(
        boost::json::parse(again->body).at("response") ==
        boost::json::parse(answer->body).at("response")
    );
}

TEST_CASE("simulator: a stream has the tokens that were asked for, at its speed", "[sim][http]") {
    World world;
    auto const preload = world.post("/api/chat", R"({"model": "smollm2:135m"})");
    auto const begin = world.loop.now();
    auto const call = world.post(
        "/api/chat",
        R"({"model": "smollm2:135m", "messages": [{"role": "user", "content": "hi"}], "options": {"num_predict": 80}})"
    );
    CHECK(lines(call->body) == 81);
    CHECK_THAT(call->body, ContainsSubstring(R"("done_reason":"length")"));
    auto const seconds = to_seconds(world.loop.now() - begin);
    CHECK((seconds > 1.95 && seconds < 2.3));
    CHECK(preload->fields.get("Content-Type") == "application/json; charset=utf-8");
    CHECK(call->fields.get("Content-Type") == "application/x-ndjson");
}

TEST_CASE("simulator: a client that leaves takes its load with it", "[sim][http]") {
    World world;
    auto const call =
        world.start(http::Method::Post, "/api/generate", R"({"model": "llama3.1:8b"})");
    world.loop.advance(std::chrono::seconds(1));
    CHECK(world.rows() == 0);
    call->canceller.cancel();
    world.turn(200);
    auto const books = world.books();
    CHECK(books.at("aborted_loads") == 1);
    CHECK(books.at("in_use") == 0);
}

TEST_CASE("simulator: a client that leaves in mid-stream frees its slot", "[sim][http]") {
    World world;
    world.post("/api/chat", R"({"model": "smollm2:135m"})");
    auto const body =
        R"({"model": "smollm2:135m", "prompt": "a", "options": {"num_predict": 100000}})";
    auto const first = world.start(http::Method::Post, "/api/generate", body);
    auto const second = world.start(http::Method::Post, "/api/generate", body);
    world.loop.advance(std::chrono::seconds(2));
    world.turn(200);
    CHECK_FALSE(first->body.empty());
    CHECK(second->body.empty());
    first->canceller.cancel();
    world.turn(200);
    world.loop.advance(std::chrono::seconds(2));
    world.turn(200);
    CHECK_FALSE(second->body.empty());
    second->canceller.cancel();
    world.turn(200);
}

TEST_CASE("simulator: ps asked right after an unload no longer has the row", "[sim][http]") {
    World world;
    world.post("/api/generate", R"({"model": "smollm2:135m"})");
    CHECK(world.rows() == 1);
    auto const unload =
        world.post("/api/generate", R"({"model": "smollm2:135m", "keep_alive": 0})");
    CHECK_THAT(unload->body, ContainsSubstring(R"("done_reason":"unload")"));
    CHECK(world.rows() == 0);
}

TEST_CASE("simulator: faults strike as often as they were set to", "[sim][http]") {
    World world;
    auto const fault = GENERATE(
        R"({"kind": "refuse"})",
        R"({"kind": "garbage"})",
        R"({"kind": "die_mid_stream"})",
        R"({"kind": "hang", "delay_ms": 500})"
    );
    CAPTURE(fault);
    REQUIRE(world.post("/sim/v1/faults", fault)->status == 200);
    auto const body = R"({"model": "smollm2:135m", "prompt": "a"})";
    CHECK(world.post("/api/generate", body)->has_failed);
    CHECK_FALSE(world.post("/api/generate", body)->has_failed);
    CHECK(world.books().at("faults") == 1);
}

TEST_CASE("simulator: faults of loads and unloads", "[sim][http]") {
    World world;
    world.post(
        "/sim/v1/faults",
        R"([{"kind": "load_500", "model": "smollm2:135m"}, {"kind": "oom"}, {"kind": "ignore_unload"}])"
    );
    auto const body = R"({"model": "smollm2:135m"})";
    CHECK_THAT(
        world.post("/api/generate", body)->body,
        ContainsSubstring("llama-server process has terminated")
    );
    auto const oom = world.post("/api/generate", body);
    CHECK(oom->status == 500);
    CHECK_THAT(oom->body, ContainsSubstring("out of memory"));
    // On demand, so it is none that the books would hold against anybody.
    CHECK(world.books().at("out_of_memory") == 0);
    CHECK(world.post("/api/generate", body)->status == 200);
    world.post("/api/generate", R"({"model": "smollm2:135m", "keep_alive": 0})");
    CHECK(world.rows() == 1);
    world.post("/api/generate", R"({"model": "smollm2:135m", "keep_alive": 0})");
    CHECK(world.rows() == 0);
}

TEST_CASE("simulator: a large answer drips for seconds, not minutes", "[sim][http]") {
    World world;
    auto const body = R"({"model": "nomic-embed-text", "input": ["a", "b"]})";
    world.post("/api/embed", body);
    world.post("/sim/v1/faults", R"({"kind": "slow_drip"})");
    auto const before = world.loop.now();
    auto const dripped = world.post("/api/embed", body);
    CHECK(dripped->body.size() > 10'000);
    CHECK(world.loop.now() - before > std::chrono::milliseconds(500));
    CHECK(world.loop.now() - before < std::chrono::seconds(10));
}

TEST_CASE("simulator: faults of ps", "[sim][http]") {
    World world;
    world.post("/api/generate", R"({"model": "smollm2:135m"})");
    world.loop.advance(std::chrono::seconds(3));
    SECTION("a row is left out for one poll") {
        world.post("/sim/v1/faults", R"({"kind": "ps_omit"})");
        CHECK(world.rows() == 0);
        CHECK(world.rows() == 1);
    }
    SECTION("a row is never left out twice in a row") {
        world.post("/sim/v1/faults", R"({"kind": "ps_omit", "count": -1})");
        for (int i = 0; i < 3; ++i) {
            CHECK(world.rows() == 0);
            CHECK(world.rows() == 1);
        }
    }
    SECTION("a ghost") {
        world.post("/sim/v1/faults", R"({"kind": "ps_ghost", "model": "llama3.1:8b"})");
        CHECK(world.rows() == 2);
    }
    SECTION("a list of some time ago") {
        world.post("/sim/v1/faults", R"({"kind": "ps_lag", "ms": 5000, "count": -1})");
        CHECK(world.rows() == 0);
        world.loop.advance(std::chrono::seconds(3));
        CHECK(world.rows() == 1);
    }
    SECTION("a wrong size") {
        auto const right =
            boost::json::parse(world.get("/api/ps")->body).at("models").at(0).at("size_vram");
        world.post("/sim/v1/faults", R"({"kind": "ps_wrong_size", "factor": 2})");
        auto const wrong =
            boost::json::parse(world.get("/api/ps")->body).at("models").at(0).at("size_vram");
        CHECK(wrong.to_number<std::uint64_t>() == 2 * right.to_number<std::uint64_t>());
    }
}

TEST_CASE(
    "simulator: a runner that dies in mid-stream looks different on each API", "[sim][http]"
) {
    World world;
    auto const crash = [&world] { world.post("/sim/v1/faults", R"({"kind": "crash"})"); };
    crash();
    auto const native = world.post("/api/generate", R"({"model": "smollm2:135m", "prompt": "a"})");
    CHECK_FALSE(native->has_failed);
    CHECK_THAT(
        native->body,
        ContainsSubstring(
            R"({"error":"an error was encountered while running the model: unexpected EOF"})"
        )
    );
    CHECK(world.rows() == 1);
    crash();
    auto const openai = world.post(
        "/v1/chat/completions",
        R"({"model": "smollm2:135m", "stream": true, "messages": [{"role": "user", "content": "a"}]})"
    );
    CHECK_FALSE(openai->has_failed);
    CHECK(openai->body.find("[DONE]") == std::string::npos);
    CHECK_THAT(openai->body, ContainsSubstring(R"("model":"")"));
}

TEST_CASE(
    "simulator: a restart breaks every connection and forgets what was loaded", "[sim][http]"
) {
    World world;
    world.post("/api/generate", R"({"model": "smollm2:135m"})");
    auto const stream = world.start(
        http::Method::Post,
        "/api/generate",
        R"({"model": "smollm2:135m", "prompt": "a", "options": {"num_predict": 1000}})"
    );
    world.loop.advance(std::chrono::seconds(1));
    world.post("/sim/v1/faults", R"({"kind": "restart", "delay_ms": 1000})");
    world.wait(*stream);
    CHECK(stream->has_failed);
    CHECK(world.get("/api/version")->has_failed);
    world.loop.advance(std::chrono::seconds(2));
    CHECK(world.rows() == 0);
    CHECK(world.books().at("in_use") == 0);
}

TEST_CASE("simulator: a wrong fault is refused with its place", "[sim][http]") {
    World world;
    auto const answer = world.post("/sim/v1/faults", R"([{"kind": "hang"}, {"kind": "hangs"}])");
    CHECK(answer->status == 400);
    CHECK_THAT(answer->body, ContainsSubstring("[1].kind is"));
    CHECK_THAT(world.get("/sim/v1/faults")->body, ContainsSubstring(R"("faults":[])"));
}

TEST_CASE("simulator: every byte alone is still the same answer", "[sim][http]") {
    World world;
    auto const body = R"({"model": "smollm2:135m", "prompt": "a", "options": {"num_predict": 5}})";
    world.post("/sim/v1/faults", R"({"kind": "one_byte_segments"})");
    auto const call = world.post("/api/generate", body);
    CHECK_FALSE(call->has_failed);
    CHECK(lines(call->body) == 6);
}

}  // namespace plimsoll::test
