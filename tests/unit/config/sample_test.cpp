#include "support/catch.hpp"
#include "support/fixtures.hpp"

#include <plimsoll/config/config.hpp>

#include <algorithm>
#include <set>
#include <string>

using namespace plimsoll;

namespace {

// Every "key = value" of `config show`, without the comments.
std::vector<std::string> settings(config::Config const& config) {
    std::string const text = config::show({.config = config, .sources = {}, .origins = {}});
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const end = text.find('\n', at);
        std::string line = text.substr(at, end - at);
        line.resize(std::min(line.size(), line.find(" # ")));
        while (line.ends_with(' ')) {
            line.pop_back();
        }
        if (!line.empty() && !line.starts_with('#')) {
            lines.push_back(line);
        }
        at = end + 1;
    }
    return lines;
}

config::Config parse(std::string const& text) {
    auto parsed = config::parse(text, "test.toml");
    INFO((parsed ? std::string() : to_string(parsed.error().front())));
    REQUIRE(parsed.has_value());
    return std::move(*parsed);
}

}  // namespace

TEST_CASE("config: the sample file loads and equals the built-in defaults", "[config][unit]") {
    std::string const sample = test::read_file("config/plimsoll.toml");
    REQUIRE_FALSE(sample.empty());
    CHECK(settings(parse(sample)) == settings(parse("")));
}

TEST_CASE("config: the sample file names every setting", "[config][unit]") {
    auto const loaded = config::load("config/plimsoll.toml", {}, {});
    REQUIRE(loaded.has_value());
    std::string const shown = config::show(*loaded);
    CHECK_THAT(shown, !ContainsSubstring("# default"));
    CHECK_THAT(shown, ContainsSubstring("# config/plimsoll.toml:"));
}

TEST_CASE("config: what is shown reads back as the same configuration", "[config][unit]") {
    std::string const text = R"(
state_file = "/tmp/odd \"name\".db"
record = "/tmp/odd \"name\".rec"
[server]
listen = "[::1]:0"
max_body = 1234567
allowed_hosts = ["a.example.org", "*.b.example.org"]
[[upstream]]
name = "one"
budget = "90.5%"
api_key_file = "$CREDENTIALS_DIRECTORY/ollama"
reserve = "1.5GiB"
default_num_ctx = 8192
retry_delay = "1500us"
[[upstream]]
name = "two"
url = "http://[::1]:1/"
budget = 23622320128
kv_cache_type = "q8_0"
[scheduler]
keep_alive = "forever"
keep_alive_policy = "clamp"
quantum_factor = 5.5
patience_high = 2.25
[management]
enabled = false
[models."Gemma3:27B"]
pin = true
num_ctx = 16384
priority = "high"
vram = "21GiB"
keep_alive = "1h"
[models."user/other"]
[access]
key_file = "/etc/odd \"name\".toml"
trust_admin_socket = false
[[key]]
name = "open-webui"
hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
models = ["qwen*", "chain/*"]
priority = "low"
requests_per_minute = 60
[[key]]
name = "me"
hash = "0a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
role = "admin"
max_concurrent = 4
[log]
level = "debug"
format = "json"
)";
    config::Config const first = parse(text);
    std::string const shown = config::show({.config = first, .sources = {}, .origins = {}});
    CAPTURE(shown);
    CHECK(settings(parse(shown)) == settings(first));
    CHECK(settings(first) != settings(parse("")));
    CHECK(first.upstreams[1].engine.models.contains("registry.ollama.ai/library/gemma3:27b"));
}

TEST_CASE("config: the defaults are those that the documents promise", "[config][unit]") {
    config::Config const config = parse("");
    CHECK(config.server.address == "127.0.0.1");
    CHECK(config.server.port == 11435);
    REQUIRE(config.upstreams.size() == 1);
    config::UpstreamSettings const& upstream = config.upstreams.front();
    CHECK(upstream.upstream.url == "http://127.0.0.1:11434");
    CHECK(upstream.budget.kind == config::Budget::Kind::Auto);
    CHECK(upstream.engine.scheduler.patience[0] == std::chrono::seconds(60));
    CHECK(upstream.engine.scheduler.patience[1] == std::chrono::seconds(15));
    CHECK(upstream.engine.scheduler.patience[2] == std::chrono::seconds(3));
    CHECK(upstream.engine.cut_options == std::vector<std::string>{"num_gpu=0"});
    CHECK(config.enabled);
}
