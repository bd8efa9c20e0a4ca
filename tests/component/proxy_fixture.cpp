#include "proxy_fixture.hpp"

#include "support/catch.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/base/text.hpp>
#include <plimsoll/engine/meter.hpp>
#include <plimsoll/http/members.hpp>

#include <algorithm>
#include <chrono>

namespace plimsoll::test {
namespace {

using namespace std::chrono_literals;

std::string digest_of(std::string const& name) {
    return std::string(64, name.front());
}

std::string model_of(std::string const& body) {
    auto const members = http::find_members(body);
    return members && members->model ? members->model->value.text : std::string();
}

bool has_prompt(http::BodyMembers const& members) {
    auto const given = [](auto const& member) { return member && !member->value.is_empty; };
    return given(members.prompt) || given(members.messages) || given(members.input);
}

engine::EngineConfig with_budget(engine::EngineConfig config) {
    if (config.scheduler.budget.is_zero()) {
        config.scheduler.budget = gibibytes(64);
    }
    config.default_num_ctx_is_known = true;
    return config;
}

net::Task<void> stop(chain::Chains& chains, bool& is_stopped) {
    co_await chains.stop();
    is_stopped = true;
}

}  // namespace

ScriptedOllama::ScriptedOllama(net::Loop& on) : loop(on) {
    models["smollm2:135m"] = {};
    server = std::make_unique<net::Server>(
        loop, net::ServerConfig{}, [this](net::Exchange& exchange) { return handle(exchange); }
    );
    REQUIRE(server->listen().has_value());
    on_inference = [](net::Exchange& exchange) -> net::Task<void> {
        auto const sent =
            co_await exchange.respond(http::json_reply(200, R"({"response":"hello","done":true})"));
        static_cast<void>(sent);
    };
}

std::size_t ScriptedOllama::count(std::string_view line) const {
    return static_cast<std::size_t>(std::ranges::count(seen, line, &Seen::line));
}

Seen const& ScriptedOllama::last(std::string_view line) const {
    auto const found = std::ranges::find(seen.rbegin(), seen.rend(), line, &Seen::line);
    REQUIRE(found != seen.rend());
    return *found;
}

std::string ScriptedOllama::rows() const {
    std::string out;
    for (auto const& name : loaded) {
        out += out.empty() ? "" : ",";
        out +=
            R"({"name":")" + name + R"(","model":")" + name + R"(","digest":")" + digest_of(name) +
            R"(","size":1073741824,"size_vram":1073741824,"context_length":4096,"expires_at":"2026-11-24T10:00:00Z"})";
    }
    return R"({"models":[)" + out + "]}";
}

http::Reply ScriptedOllama::show(std::string const& body) const {
    auto const asked = ModelName::parse(model_of(body));
    for (auto const& [name, model] : models) {
        if (!asked || ModelName::parse(name)->key() != asked->key()) {
            continue;
        }
        std::string capabilities;
        for (auto const& one : model.capabilities) {
            capabilities += (capabilities.empty() ? "\"" : ",\"") + one + "\"";
        }
        std::string const remote =
            model.is_remote ? R"("remote_host":"https://ollama.com:443","remote_model":"big",)"
                            : "";
        return http::json_reply(
            200,
            R"({"modelfile":"FROM /blobs/sha256-)" + model.weights + R"(\n",)" + remote +
                R"("details":{"format":"gguf"},"model_info":{"general.architecture":"llama","llama.context_length":8192,"llama.block_count":4,"llama.embedding_length":64,"llama.attention.head_count":4,"llama.attention.head_count_kv":4,"llama.vocab_size":1000},"capabilities":[)" +
                capabilities + "]}"
        );
    }
    return http::error_reply(
        http::Dialect::Ollama, 404, "model '" + model_of(body) + "' not found"
    );
}

// A load, an unload, or work.
net::Task<void> ScriptedOllama::generate(net::Exchange& exchange, std::string body) {
    auto const members = http::find_members(body);
    REQUIRE(members.has_value());
    auto const name = ModelName::parse(model_of(body))->short_name();
    if (has_prompt(*members)) {
        co_await on_inference(exchange);
        co_return;
    }
    bool const is_unload = members->keep_alive && members->keep_alive->value.text == "0";
    if (is_unload) {
        std::erase_if(loaded, [&](auto const& each) { return each == name && !ignores_unload; });
    } else {
        auto const waited =
            co_await net::sleep_until(loop, loop.now() + load_time, &exchange.canceller());
        if (!waited) {
            co_return;
        }
        if (std::ranges::find(loaded, name) == loaded.end()) {
            loaded.push_back(name);
            most_loaded = std::max(most_loaded, loaded.size());
        }
    }
    auto const sent = co_await exchange.respond(http::json_reply(
        200, R"({"model":")" + name + R"(","response":"","done":true,"done_reason":"load"})"
    ));
    static_cast<void>(sent);
}

net::Task<void> ScriptedOllama::handle(net::Exchange& exchange) {
    auto const& head = exchange.head();
    net::Body body;
    auto const read = co_await exchange.read_body(body, 1 << 30);
    if (!read) {
        co_return;
    }
    std::string const text(body.view());
    http::Reply reply;
    if (head.path == "/api/version") {
        reply = http::json_reply(200, R"({"version":"0.0.0"})");
    } else if (head.path == "/api/ps") {
        reply = http::json_reply(200, rows());
    } else if (head.path == "/api/show") {
        reply = show(text);
    } else if (head.path == "/api/tags") {
        std::string list;
        for (auto const& [name, model] : models) {
            list += list.empty() ? "" : ",";
            list += R"({"name":")" + name + R"(","model":")" + name +
                    R"(","size":1000000,"digest":")" + digest_of(name) + "\"}";
        }
        reply = http::json_reply(200, R"({"models":[)" + list + "]}");
    } else {
        seen.push_back(
            {std::string(http::to_string(head.method)) + " " + head.target, text, head.fields}
        );
        if (head.method == http::Method::Head) {
            reply = http::Reply{head.path == "/v1/messages/count_tokens" ? 404U : 405U, {}, {}};
        } else if (head.path == "/api/generate") {
            co_await generate(exchange, text);
            co_return;
        } else {
            co_await on_inference(exchange);
            co_return;
        }
    }
    auto const sent = co_await exchange.respond(std::move(reply));
    static_cast<void>(sent);
}

ProxyFixture::ProxyFixture(
    engine::EngineConfig config, proxy::ProxyConfig proxy_config, chain::ChainsConfig chains_config
) {
    upstream::Registry registry;
    upstream::register_builtin(registry);
    upstream::UpstreamConfig upstream;
    upstream.url = "http://127.0.0.1:" + std::to_string(ollama.server->port());
    auto made = registry.make(loop, upstream);
    REQUIRE(made.has_value());
    provider = std::move(*made);
    engine =
        std::make_unique<engine::Engine>(loop, *provider, store, with_budget(std::move(config)));
    chain::Surroundings surroundings{
        .loop = loop,
        .engines = {engine.get()},
        .store = store,
        .ask = [this](
                   net::Exchange& exchange, engine::Engine& one
               ) { return proxy->handle_own(exchange, one); },
        .read_toml = [](std::string_view
                     ) { return std::unexpected(chain::TextProblem{1, "none"}); },
        .metrics = &metrics,
    };
    chains = std::make_unique<chain::Chains>(std::move(surroundings), std::move(chains_config));
    control = std::make_unique<control::Control>(control::ControlContext{
        {engine.get()}, "0.0.0-test", [this] { return draining; }, {}, chains.get(), &metrics
    });
    proxy = std::make_unique<proxy::Proxy>(
        std::vector{engine.get()},
        std::move(proxy_config),
        proxy::OwnPaths{
            [this](net::Exchange& exchange) { return control->handle(exchange); },
            &control::Control::need_of
        }
    );
    proxy->use(&chains->models());
    proxy->count_into(metrics, control::Control::paths());
    server =
        std::make_unique<net::Server>(loop, net::ServerConfig{}, [this](net::Exchange& exchange) {
            return proxy->handle(exchange);
        });
    REQUIRE(server->listen().has_value());
    engine->observe(engine::make_meter(metrics, *engine));
    engine->start();
    chains->start();
    REQUIRE(pump([this] { return engine->is_ready(); }));
}

ProxyFixture::~ProxyFixture() {
    shut_down();
}

void ProxyFixture::shut_down() {
    if (!chains) {
        return;
    }
    server->close();
    settle();
    chains->drain();
    bool is_stopped = false;
    loop.spawn("stop chains", stop(*chains, is_stopped));
    pump([&] { return is_stopped; });  // what still ran would outlive the proxy
    ollama.server->close();
    settle();
    chains.reset();
    engine.reset();
    settle();
}

bool ProxyFixture::pump(std::function<bool()> const& done) {
    // The bound is real time, for a test that would hang; what is tested reads the manual clock
    // alone.
    for (int turn = 0; turn < 20'000; ++turn) {
        loop.poll();
        if (done()) {
            return true;
        }
        test::settle(loop);
        loop.advance(5ms);
    }
    return false;
}

void ProxyFixture::settle() {
    for (int i = 0; i < 10; ++i) {
        test::settle(loop);
        loop.advance(5ms);
    }
}

std::string ProxyFixture::ask(std::string const& request) {
    auto const peer = connect();
    peer->send(request);
    REQUIRE(pump([&] { return peer->has_ended(); }));
    return peer->text();
}

std::string ProxyFixture::post(
    std::string const& path, std::string const& body, std::string const& fields
) {
    return ask(post_text(path, body, fields));
}

std::string ProxyFixture::get(std::string const& path, std::string const& fields) {
    return ask(
        "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + fields + "\r\n"
    );
}

std::string post_text(std::string const& path, std::string const& body, std::string const& fields) {
    return "POST " + path +
           " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body;
}

unsigned status_of(std::string const& answer) {
    return answer.size() < 12 ? 0 : static_cast<unsigned>(std::stoul(answer.substr(9, 3)));
}

std::string body_of(std::string const& answer) {
    auto const end = answer.find("\r\n\r\n");
    return end == std::string::npos ? std::string() : answer.substr(end + 4);
}

std::string field_of(std::string const& answer, std::string const& name) {
    auto const head = answer.substr(0, answer.find("\r\n\r\n"));
    for (auto const line : split(head, '\n')) {
        if (istarts_with(line, name + ":")) {
            return std::string(trim(line.substr(name.size() + 1)));
        }
    }
    return {};
}

}  // namespace plimsoll::test
