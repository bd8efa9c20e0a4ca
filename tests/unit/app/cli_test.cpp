#include "app/cli.hpp"

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::app;

namespace {

constexpr char const* kUrl = "http://127.0.0.1:11435";

auto parse(std::vector<std::string> const& words) {
    return parse_command_line(words, kUrl);
}

template <class Options>
Options parsed(std::vector<std::string> const& words) {
    auto const result = parse(words);
    if (auto const* exit = std::get_if<Exit>(&result)) {
        FAIL(exit->err + exit->out);
    }
    return std::get<Options>(std::get<Command>(result));
}

Exit refused(std::vector<std::string> const& words) {
    auto const result = parse(words);
    REQUIRE(std::holds_alternative<Exit>(result));
    return std::get<Exit>(result);
}

}  // namespace

TEST_CASE("cli: serve turns each flag into the setting of its name", "[app][unit]") {
    auto const options = parsed<ServeOptions>(
        {"serve",
         "--listen",
         "127.0.0.1:0",
         "--budget=22GiB",
         "--keep-alive",
         "10m",
         "--no-management",
         "-c",
         "a.toml"}
    );
    CHECK(options.config == "a.toml");
    CHECK(
        options.flags ==
        config::Overrides{
            {"server.listen", "127.0.0.1:0"},
            {"upstream.budget", "22GiB"},
            {"scheduler.keep_alive", "10m"},
            {"management.enabled", "false"},
        }
    );
}

TEST_CASE("cli: serve without flags overrides nothing", "[app][unit]") {
    auto const options = parsed<ServeOptions>({"serve"});
    CHECK_FALSE(options.config);
    CHECK(options.flags.empty());
}

TEST_CASE("cli: a negative keep-alive is a value, no flag", "[app][unit]") {
    CHECK(
        parsed<ServeOptions>({"serve", "--keep-alive", "-1"}).flags ==
        config::Overrides{{"scheduler.keep_alive", "-1"}}
    );
}

TEST_CASE("cli: sim reads sizes, speeds and addresses", "[app][unit]") {
    auto const sim = parsed<SimOptions>({
                                            "sim",
                                            "--listen",
                                            "[::1]:0",
                                            "--vram",
                                            "8GiB",
                                            "--load-bandwidth",
                                            "500MiB/s",
                                            "--default-ctx",
                                            "2048",
                                            "--time-scale",
                                            "10",
                                            "--models",
                                            "m.json",
                                        })
                         .sim;
    CHECK(sim.address == "::1");
    CHECK(sim.port == 0);
    CHECK(sim.vram == gibibytes(8));
    CHECK(sim.load_bandwidth == 500.0 * 1024 * 1024);
    CHECK(sim.default_ctx == 2048U);
    CHECK(sim.time_scale == 10);
    CHECK(sim.models == std::filesystem::path("m.json"));
}

TEST_CASE("cli: sim's defaults are those of its module", "[app][unit]") {
    auto const sim = parsed<SimOptions>({"sim"}).sim;
    sim::SimConfig const plain;
    CHECK(sim.address == plain.address);
    CHECK(sim.port == plain.port);
    CHECK(sim.vram == plain.vram);
    CHECK(sim.load_bandwidth == plain.load_bandwidth);
    CHECK_FALSE(sim.default_ctx);
    CHECK_FALSE(sim.models);
}

TEST_CASE("cli: client commands carry model, context, length and address", "[app][unit]") {
    auto const pin =
        parsed<ClientOptions>({"pin", "qwen3:8b", "--for", "1h30m", "--num-ctx", "8192", "--json"});
    CHECK(pin.action == ClientOptions::Action::Pin);
    CHECK(pin.model == "qwen3:8b");
    CHECK(pin.pin_for == std::chrono::minutes(90));
    CHECK(pin.num_ctx == 8192U);
    CHECK(pin.json);
    CHECK(pin.url == kUrl);
    CHECK(parsed<ClientOptions>({"ps", "--url", "http://box:1"}).url == "http://box:1");
}

TEST_CASE("cli: config check and show take the flags of serve", "[app][unit]") {
    auto const check = parsed<ConfigOptions>({"config", "check", "--config", "-"});
    CHECK(check.action == ConfigOptions::Action::Check);
    CHECK(check.file == "-");
    auto const show = parsed<ConfigOptions>({"config", "show", "--budget", "90%"});
    CHECK(show.action == ConfigOptions::Action::Show);
    CHECK(show.flags == config::Overrides{{"upstream.budget", "90%"}});
}

TEST_CASE("cli: a wrong word is named with the nearest right one", "[app][unit]") {
    struct Case {
        std::vector<std::string> words;
        std::string part;
    };

    auto const& test = GENERATE(values<Case>({
        {{"serv"}, "unknown command serv; did you mean serve?"},
        {{"serve", "--budgett", "1"}, "unknown option --budgett; did you mean --budget?"},
        {{"ps", "--jsn"}, "plimsoll ps: unknown option --jsn; did you mean --json?"},
        {{"config", "chek"}, "did you mean check?"},
        {{"load"}, "model is required"},
        {{"pin", "m", "--for", "soon"}, "\"soon\" is no length of time"},
        {{"pin", "m", "--for", "0s"}, "no length of time"},
        {{"load", "m", "--num-ctx", "many"}, "many"},
        {{"load", "m", "--num-ctx", "0"}, "--num-ctx"},
        {{"sim", "--vram", "lots"}, "\"lots\" is no size"},
        {{"sim", "--load-bandwidth", "0"}, "no speed"},
        {{"sim", "--listen", "nowhere"}, "no HOST:PORT"},
        {{"sim", "--listen", "127.0.0.1:70000"}, "no HOST:PORT"},  // nothing listens
        {{"sim", "--time-scale", "0"}, "--time-scale"},
    }));
    auto const exit = refused(test.words);
    CAPTURE(exit.err);
    CHECK(exit.status == 2);
    CHECK_THAT(exit.err, ContainsSubstring(test.part));
    CHECK_THAT(exit.err, ContainsSubstring("--help"));
    CHECK(exit.out.empty());
}

TEST_CASE("cli: no words at all is a mistake answered with the help", "[app][unit]") {
    auto const exit = refused({});
    CHECK(exit.status == 2);
    CHECK_THAT(exit.err, ContainsSubstring("plimsoll serve"));
}

TEST_CASE("cli: --version is the version", "[app][unit]") {
    auto const exit = refused({"--version"});
    CHECK(exit.status == 0);
    CHECK(exit.out == "plimsoll " + std::string(version()) + "\n");
}

TEST_CASE("cli: a key is made as it was asked for", "[app][unit]") {
    auto const options = parsed<KeyOptions>(
        {"key",
         "create",
         "team",
         "--role",
         "operator",
         "--models",
         "qwen*",
         "--models",
         "chain/*",
         "--priority",
         "low",
         "--requests-per-minute",
         "60",
         "--max-concurrent",
         "4",
         "--file",
         "k.toml"}
    );
    access::Key wanted;
    wanted.name = "team";
    wanted.role = access::Role::Operator;
    wanted.models = {"qwen*", "chain/*"};
    wanted.priority = core::Priority::Low;
    wanted.requests_per_minute = 60;
    wanted.max_concurrent = 4;
    CHECK(options.action == KeyOptions::Action::Create);
    CHECK(options.key == wanted);
    CHECK(options.file == "k.toml");
    CHECK(parsed<KeyOptions>({"key", "create", "me"}).key.role == access::Role::Inference);
    CHECK(
        parsed<KeyOptions>({"key", "create", "--role", "admin", "me"}).key.role ==
        access::Role::Admin
    );
    CHECK(refused({"key"}).status == 2);
    CHECK(refused({"key", "create"}).status == 2);
    CHECK(refused({"key", "create", "x", "--role", "root"}).status == 2);
    CHECK(refused({"key", "create", "x", "--role", "admin", "--models", "a"}).status == 2);
    CHECK(parsed<ClientOptions>({"status", "--key-file", "k"}).key_file == "k");
}
