// Both ends of the streaming measurement: a server whose lines carry the time at which they were
// written, and a client that subtracts it from the time at which they arrive. Between them stands
// the proxy that is measured.
//
//   bench_stream server                     prints its port
//   bench_stream client PORT STREAMS LINES  prints {"p50_us": ..., "p99_us": ..., "ttfb_p50_us":
//   ...}

#include <plimsoll/base/text.hpp>
#include <plimsoll/net/client.hpp>
#include <plimsoll/net/server.hpp>

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace plimsoll;

constexpr auto kInterval = std::chrono::milliseconds(10);

long long monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

constexpr std::string_view kDetails =
    R"("size":1073741824,"digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",)"
    R"("details":{"format":"gguf","family":"llama","families":["llama"],"parameter_size":"1B",)"
    R"("quantization_level":"Q4_K_M","parent_model":""})";

constexpr std::string_view kShow =
    R"({"modelfile":"FROM /m/blobs/sha256-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n",)"
    R"("parameters":"","details":{"format":"gguf"},"capabilities":["completion"],"model_info":{)"
    R"("general.architecture":"llama","llama.block_count":16,"llama.context_length":8192,)"
    R"("llama.embedding_length":2048,"llama.attention.head_count":32,"llama.attention.head_count_kv":8},"tensors":[]})";

struct Model {
    bool loaded = false;
};

net::Task<void> stream(net::Exchange& exchange) {
    http::Fields fields;
    fields.add("Content-Type", "text/event-stream");
    auto started =
        co_await exchange.start(200, "OK", fields, {http::Framing::Kind::Chunked, 0}, true);
    auto next = exchange.loop().now();
    for (int line = 0; started && line < 100; ++line) {
        next += kInterval;
        auto slept = co_await net::sleep_until(exchange.loop(), next, &exchange.canceller());
        if (!slept) {
            co_return;
        }
        auto const text =
            "data: " + std::to_string(monotonic_ns()) + " some words of an answer\n\n";
        started = co_await exchange.write(text);
    }
    if (started) {
        co_await exchange.finish();
    }
}

net::Task<void> serve(net::Exchange& exchange, Model& model) {
    net::Body body;
    auto read = co_await exchange.read_body(body, 64 << 20);
    if (!read) {
        co_return;
    }
    auto const& path = exchange.head().path;
    if (path == "/v1/chat/completions") {
        co_await stream(exchange);
        co_return;
    }
    std::string answer = "{}";
    auto const row = std::string(R"({"name":"bench:1b","model":"bench:1b",)").append(kDetails);
    if (path == "/api/version") {
        answer = R"({"version":"0.32.7"})";
    } else if (path == "/api/tags") {
        answer = R"({"models":[)" + row + R"(,"modified_at":"2026-01-01T00:00:00Z"}]})";
    } else if (path == "/api/ps") {
        answer = R"({"models":[)";
        if (model.loaded) {
            answer +=
                row +
                R"(,"size_vram":1073741824,"expires_at":"2318-01-01T00:00:00Z","context_length":4096})";
        }
        answer += "]}";
    } else if (path == "/api/show") {
        answer = kShow;
    } else if (path == "/api/generate") {
        model.loaded = true;
        answer =
            R"({"model":"bench:1b","created_at":"2026-01-01T00:00:00Z","response":"","done":true,)"
            R"("done_reason":"load"})";
    }
    co_await exchange.respond(http::json_reply(200, answer));
}

int run_server() {
    net::Loop loop;
    Model model;
    net::Server server(loop, {}, [&model](net::Exchange& exchange) {
        return serve(exchange, model);
    });
    if (auto listening = server.listen(); !listening) {
        std::fprintf(stderr, "%s\n", listening.error().message.c_str());
        return 1;
    }
    std::printf("%u\n", static_cast<unsigned>(server.port()));
    std::fflush(stdout);
    loop.run();
    return 0;
}

struct Samples {
    std::vector<double> delays_us, first_us;
    std::string error;
};

void take_lines(std::string& held, Samples& samples) {
    auto const now = monotonic_ns();
    std::size_t end = 0;
    while ((end = held.find("\n\n")) != std::string::npos) {
        auto const stamp = std::strtoll(held.c_str() + std::strlen("data: "), nullptr, 10);
        samples.delays_us.push_back(static_cast<double>(now - stamp) / 1000);
        held.erase(0, end + 2);
    }
}

net::Task<void> read_stream(
    net::Loop& loop, net::Client& client, Duration delay, Samples& samples
) {
    co_await net::sleep_until(loop, loop.now() + delay);
    std::string const body =
        R"({"model":"bench:1b","stream":true,"messages":[{"role":"user","content":"go"}]})";
    std::string_view const piece = body;
    net::ClientRequest request;
    request.method = http::Method::Post;
    request.target = "/v1/chat/completions";
    request.fields.add("Content-Type", "application/json");
    request.has_body = true;
    request.pieces = {&piece, 1};
    auto const asked = monotonic_ns();
    auto response = co_await client.send(request, nullptr);
    if (!response) {
        samples.error = response.error().message;
        co_return;
    }
    samples.first_us.push_back(static_cast<double>(monotonic_ns() - asked) / 1000);
    std::string held;
    for (;;) {
        auto got = co_await response->read_some(std::chrono::seconds(30), nullptr);
        if (!got) {
            samples.error = got.error().message;
            co_return;
        }
        if (got->empty()) {
            co_return;
        }
        held.append(*got);
        take_lines(held, samples);
    }
}

double percentile(std::vector<double>& values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

int run_client(std::uint16_t port, unsigned streams, std::size_t lines) {
    net::Loop loop;
    net::ClientConfig config;
    config.port = port;
    config.max_idle = streams;
    net::Client client(loop, config);
    Samples samples;
    for (unsigned i = 0; i < streams; ++i) {
        // Spread over one interval, as independent clients are.
        loop.spawn("stream", read_stream(loop, client, Duration(kInterval) * i / streams, samples));
    }
    loop.run();
    if (!samples.error.empty() || samples.delays_us.size() != streams * lines) {
        std::fprintf(
            stderr,
            "%zu of %zu lines came: %s\n",
            samples.delays_us.size(),
            streams * lines,
            samples.error.c_str()
        );
        return 1;
    }
    std::printf(
        "{\"p50_us\": %.1f, \"p99_us\": %.1f, \"ttfb_p50_us\": %.1f}\n",
        percentile(samples.delays_us, 0.5),
        percentile(samples.delays_us, 0.99),
        percentile(samples.first_us, 0.5)
    );
    return 0;
}

}  // namespace

int main(int argc, char* argv[]) {
    std::vector<std::string_view> const args(argv, argv + argc);
    if (args.size() == 2 && args[1] == "server") {
        return run_server();
    }
    if (args.size() == 5 && args[1] == "client") {
        auto const port = parse_u64(args[2]), streams = parse_u64(args[3]),
                   lines = parse_u64(args[4]);
        if (port && streams && lines) {
            return run_client(
                static_cast<std::uint16_t>(*port), static_cast<unsigned>(*streams), *lines
            );
        }
    }
    std::fprintf(stderr, "usage: bench_stream server | client PORT STREAMS LINES\n");
    return 2;
}
