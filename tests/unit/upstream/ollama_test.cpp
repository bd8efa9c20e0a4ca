#include "support/catch.hpp"

#include <plimsoll/net/server.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>

namespace plimsoll::upstream {
namespace {

std::string const kHash(64, 'b');

// A server on loopback that answers each target with the next of its scripted answers, the last one
// for ever.
class ScriptedServer {
  public:
    explicit ScriptedServer(net::Loop& loop)
        : server_(loop, {}, [this](net::Exchange& exchange) { return handle(exchange); }) {
        REQUIRE(server_.listen());
    }

    void answer(std::string const& target, unsigned status, std::string body) {
        answers_[target].push_back(http::json_reply(status, std::move(body)));
    }

    [[nodiscard]] std::size_t count(std::string const& request) const {
        return static_cast<std::size_t>(std::ranges::count(requests, request));
    }

    [[nodiscard]] std::string url() const {
        return fmt::format("http://127.0.0.1:{}", server_.port());
    }

    void close() { server_.close(); }

    std::vector<std::string> requests;  // "POST /api/show {...}"
    bool never_answers = false;

  private:
    net::Task<void> handle(net::Exchange& exchange) {
        net::Body body;
        auto const read = co_await exchange.read_body(body, 1U << 20U);
        if (!read) {
            co_return;
        }
        auto const& head = exchange.head();
        auto text = fmt::format("{} {}", http::to_string(head.method), head.path);
        if (body.size() != 0) {
            text += fmt::format(" {}", body.view());
        }
        requests.push_back(text);
        if (never_answers) {
            co_await net::sleep_until(exchange.loop(), TimePoint::max(), &exchange.canceller());
            co_return;
        }
        auto& script = answers_[head.path];
        auto reply =
            script.empty() ? http::json_reply(404, R"({"error":"no script"})") : script.front();
        if (script.size() > 1) {
            script.pop_front();
        }
        co_await exchange.respond(std::move(reply));
    }

    std::map<std::string, std::deque<http::Reply>> answers_;
    net::Server server_;
};

// Runs one coroutine over a real server and a real clock, then lets the loop run dry.
struct Fixture {
    Fixture() : server(loop) {
        config.url = server.url();
        config.retry_first = std::chrono::milliseconds(1);
        make();
    }

    void make() {
        Registry registry;
        register_builtin(registry);
        auto made = registry.make(loop, config);
        REQUIRE(made);
        provider = std::move(*made);
    }

    template <class T>
    T run(net::Task<T> task) {
        std::optional<T> result;
        loop.spawn("test", keep(std::move(task), result, server, *provider));
        loop.run();
        REQUIRE(result);
        return std::move(*result);
    }

    template <class T>
    static net::Task<void> keep(
        net::Task<T> task, std::optional<T>& result, ScriptedServer& server, Provider& provider
    ) {
        result.emplace(co_await std::move(task));
        provider.client().drop_idle();
        server.close();
    }

    net::Loop loop;
    ScriptedServer server;
    UpstreamConfig config;
    std::unique_ptr<Provider> provider;
};

std::string show_answer(std::string const& format = "gguf") {
    return fmt::format(
        R"({{"modelfile":"FROM /b/sha256-{}\n","parameters":"num_ctx 1.6384e+04","details":{{"format":"{}"}},"capabilities":["completion","tools"]}})",
        kHash,
        format
    );
}

std::string const kTags = R"({"models":[{"name":"Other:1","digest":"d0","size":1},)"
                          R"({"name":"Qwen:4B","digest":"d1","size":2500000000}]})";

TEST_CASE("ollama: facts come from show and the list of stored models", "[upstream][unit]") {
    Fixture f;
    f.server.answer("/api/show", 200, show_answer());
    f.server.answer("/api/tags", 200, kTags);
    auto const info = f.run(f.provider->model_info("library/qwen:4b"));
    REQUIRE(info);
    CHECK(info->name == "Qwen:4B");  // stored spelling
    CHECK(info->digest == "d1");
    CHECK(info->weights == kHash);
    CHECK(info->file_size == Bytes(2500000000));
    CHECK(info->num_ctx == 16384);
    CHECK(f.server.count(R"(POST /api/show {"model":"qwen:4b"})") == 1);
}

TEST_CASE("ollama: of safetensors models the manifest is the key", "[upstream][unit]") {
    Fixture f;
    f.server.answer("/api/show", 200, show_answer("safetensors"));
    f.server.answer("/api/tags", 200, kTags);
    auto const info = f.run(f.provider->model_info("qwen:4b"));
    REQUIRE(info);
    CHECK(info->weights == "d1");
}

TEST_CASE("ollama: a cloud name is remote without a question", "[upstream][unit]") {
    Fixture f;
    auto const info = f.run(f.provider->model_info("gpt-oss:20b-cloud"));
    REQUIRE(info);
    CHECK(info->is_remote);
    CHECK(f.server.requests.empty());
}

TEST_CASE("ollama: an unknown model is refused in the upstream's words", "[upstream][unit]") {
    Fixture f;
    f.server.answer("/api/show", 404, R"({"error":"model 'x:latest' not found"})");
    auto const info = f.run(f.provider->model_info("x"));
    REQUIRE_FALSE(info);
    CHECK(info.error().code == Errc::NotFound);
    CHECK(info.error().message == "model 'x:latest' not found");
    CHECK(info.error().source == ErrorSource::Upstream);
}

TEST_CASE("ollama: the digest tells whether facts are still true", "[upstream][unit]") {
    for (auto const& [digest, expected] :
         std::map<std::string, bool>{{"d1", true}, {"old", false}}) {
        Fixture f;
        f.server.answer("/api/tags", 200, kTags);
        ModelInfo info;
        info.name = "qwen:4b";
        info.digest = digest;
        auto const is_current = f.run(f.provider->is_current(info));
        REQUIRE(is_current);
        CHECK(*is_current == expected);
    }
}

TEST_CASE(
    "ollama: idempotent calls are tried again while the upstream is not itself", "[upstream][unit]"
) {
    Fixture f;
    f.server.answer("/api/ps", 503, R"({"error":"busy"})");
    f.server.answer("/api/ps", 502, "");
    f.server.answer(
        "/api/ps", 200, R"({"models":[{"name":"a:1","model":"a:1","size":5,"size_vram":4}]})"
    );
    auto const rows = f.run(f.provider->list_loaded());
    REQUIRE(rows);
    REQUIRE(rows->size() == 1);
    CHECK(rows->front().size_vram == Bytes(4));
    CHECK(f.server.count("GET /api/ps") == 3);
}

TEST_CASE("ollama: three retries, then the failure", "[upstream][unit]") {
    Fixture f;
    f.server.answer("/api/ps", 503, R"({"error":"busy"})");
    auto const rows = f.run(f.provider->list_loaded());
    REQUIRE_FALSE(rows);
    CHECK(rows.error().code == Errc::UpstreamFailed);
    CHECK(f.server.count("GET /api/ps") == 4);
}

TEST_CASE("ollama: a load goes out once, with its settings", "[upstream][unit]") {
    Fixture f;
    f.server.answer("/api/generate", 503, R"({"error":"server busy, please try again."})");
    LoadRequest request;
    request.model = "a:1";
    request.settings.num_ctx = 8192;
    net::Canceller canceller;
    auto const loaded = f.run(f.provider->load(request, canceller));
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().failure == core::LoadFailure::Busy);
    REQUIRE(f.server.requests.size() == 1);
    CHECK(
        f.server.requests.front() ==
        R"(POST /api/generate {"model":"a:1","keep_alive":"24h","options":{"num_ctx":8192}})"
    );
}

TEST_CASE(
    "ollama: an embedding-only model is loaded through the embedding route", "[upstream][unit]"
) {
    Fixture f;
    f.server.answer("/api/embed", 200, R"({"model":"e","embeddings":[]})");
    LoadRequest request;
    request.model = "e";
    request.form = core::Form::Bare;
    request.is_embedding_only = true;
    net::Canceller canceller;
    CHECK(f.run(f.provider->load(request, canceller)));
    CHECK(f.server.count(R"(POST /api/embed {"model":"e","keep_alive":"24h"})") == 1);
}

TEST_CASE("ollama: a load that shows no progress ends by its own limit", "[upstream][unit]") {
    Fixture f;
    f.config.load_timeout = std::chrono::milliseconds(20);
    f.make();
    f.server.never_answers = true;
    LoadRequest request;
    request.model = "a";
    net::Canceller canceller;
    auto const loaded = f.run(f.provider->load(request, canceller));
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().failure == core::LoadFailure::Timeout);
}

TEST_CASE("ollama: cancelling a load closes its connection", "[upstream][unit]") {
    Fixture f;
    f.server.never_answers = true;
    LoadRequest request;
    request.model = "a";
    net::Canceller canceller;
    net::Timer timer(f.loop);
    timer.arm(f.loop.now() + std::chrono::milliseconds(20), [&] { canceller.cancel(); });
    auto const loaded = f.run(f.provider->load(request, canceller));
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().failure == core::LoadFailure::Aborted);
    CHECK(f.provider->client().idle_connections() == 0);
}

TEST_CASE("ollama: unload and hand-back are wishes with a keep-alive", "[upstream][unit]") {
    Fixture f;
    f.server.answer("/api/generate", 200, R"({"done":true,"done_reason":"unload"})");
    CHECK(f.run(f.provider->unload("a:1")));
    CHECK(f.server.count(R"(POST /api/generate {"model":"a:1","keep_alive":0})") == 1);

    Fixture g;
    g.server.answer("/api/generate", 200, R"({"done":true,"done_reason":"load"})");
    LoadRequest as_loaded;
    as_loaded.settings.num_ctx = 2048;
    as_loaded.settings.num_batch = 512;
    CHECK(g.run(g.provider->hand_back("a:1", as_loaded, std::chrono::minutes(5))));
    CHECK(
        g.server.count(
            R"(POST /api/generate {"model":"a:1","keep_alive":"5m","options":{"num_ctx":2048,"num_batch":512}})"
        ) == 1
    );
}

TEST_CASE("ollama: health tells a version, or whether anybody listens", "[upstream][unit]") {
    Fixture f;
    f.server.answer("/api/version", 200, R"({"version":"0.32.7"})");
    auto const up = f.run(f.provider->health());
    CHECK(up.ok);
    CHECK(up.version == "0.32.7");

    Fixture g;
    g.server.close();
    auto const down = g.run(g.provider->health());
    CHECK_FALSE(down.ok);
    CHECK(down.is_refused);
    CHECK_THAT(down.text, ContainsSubstring(g.config.url));

    Fixture h;
    h.server.answer("/api/version", 500, "");
    auto const ill = h.run(h.provider->health());
    CHECK_FALSE(ill.ok);
    CHECK_FALSE(ill.is_refused);
}

}  // namespace
}  // namespace plimsoll::upstream
