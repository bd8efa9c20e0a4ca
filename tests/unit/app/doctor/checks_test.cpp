#include "app/doctor/checks.hpp"

#include "app/doctor/report.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace plimsoll;
using namespace plimsoll::app;
using namespace plimsoll::app::doctor;

namespace {

UpstreamFacts sound_upstream() {
    UpstreamFacts out;
    out.name = "ollama";
    out.url = "http://127.0.0.1:11434";
    out.host = "127.0.0.1";
    out.port = 11434;  // nothing listens
    out.is_local = true;
    out.max_loaded = 3;
    out.parallel = 1;
    out.kv_type = "f16";
    out.flash_attention = "auto";
    out.load_timeout = std::chrono::minutes(5);
    out.budget = gibibytes(22);
    out.answer.connected = true;
    out.answer.version_status = 200;
    out.answer.version = "0.12.3";
    out.process.environment = Environment{};
    out.process.source = "process 7";
    out.process.listener = Listener{"127.0.0.1", 11434, 1, 0, 7, "ollama"};
    return out;
}

// A machine on which nothing is wrong.
Facts sound() {
    Facts out;
    out.config.config = config::parse("", "").value();
    out.daemon.runs = true;
    out.daemon.url = "http://127.0.0.1:11435";
    out.daemon.version = "0.1.0";
    out.upstreams = {sound_upstream()};
    out.device.source = "NVML";
    out.device.cards = {{"nvidia:GPU-1", "NVIDIA GeForce RTX 4090", gibibytes(24), gibibytes(1)}};
    out.sockets.listeners = {
        {"127.0.0.1", 11434, 1, 0, 7, "ollama"}, {"127.0.0.1", 11435, 2, 0, 8, "plimsoll"}
    };
    out.state.file.path = "/var/lib/plimsoll/state.db";
    out.state.file.exists = out.state.file.is_readable = true;
    out.state.file.size = mebibytes(1);
    out.state.folder.path = "/var/lib/plimsoll";
    out.state.folder.exists = out.state.folder.is_writable = true;
    out.state.integrity = "ok";
    out.state.free = gibibytes(100);
    out.state.age = 5;
    out.host.wall_seconds = 1'800'000'000;
    out.host.is_synchronised = true;
    out.host.max_files = 1'048'576;
    out.host.max_files_of_daemon = true;
    return out;
}

Findings of_level(Findings const& all, Level level) {
    Findings out;
    std::ranges::copy_if(all, std::back_inserter(out), [level](Finding const& one) {
        return one.level == level;
    });
    return out;
}

// The one finding that is not ok.
Finding only(Findings const& all) {
    Findings wrong;
    std::ranges::copy_if(all, std::back_inserter(wrong), [](Finding const& one) {
        return one.level != Level::Ok;
    });
    CAPTURE(render(all, {}));
    REQUIRE(wrong.size() == 1);
    CHECK_FALSE(wrong[0].fix.empty());
    return wrong[0];
}

}  // namespace

TEST_CASE(
    "doctor: a sound machine has no finding, and each check says that it looked", "[app][unit]"
) {
    auto const all = check_all(sound());
    CAPTURE(render(all, {}));
    CHECK(of_level(all, Level::Ok).size() == all.size());
    for (auto const* check :
         {"config",
          "daemon",
          "upstream",
          "environment",
          "foreign models",
          "driver",
          "budget",
          "card users",
          "swap",
          "ports",
          "exposure",
          "bypass",
          "clients",
          "state file",
          "disk",
          "file limit",
          "clock",
          "service"}) {
        CAPTURE(check);
        CHECK(std::ranges::any_of(all, [&](Finding const& one) { return one.check == check; }));
    }
    CHECK(exit_status(all) == 0);
}

TEST_CASE("doctor: what answers behind", "[app][unit]") {
    auto facts = sound();
    auto& answer = facts.upstreams[0].answer;
    SECTION("nothing") {
        answer = {};
        answer.error = "connection refused";
        auto const found = only(check_all(facts));
        CHECK(found.level == Level::Problem);
        CHECK_THAT(found.text, ContainsSubstring("http://127.0.0.1:11434: connection refused"));
        CHECK_THAT(found.fix, ContainsSubstring("systemctl start ollama"));
    }
    SECTION("another kind of server") {
        answer.version = "";
        answer.version_status = 404;
        auto const found = only(check_all(facts));
        CHECK(found.level == Level::Problem);
        CHECK_THAT(found.text, ContainsSubstring("no Ollama") && ContainsSubstring("404"));
    }
    SECTION("Plimsoll itself") {
        answer.is_plimsoll = true;
        CHECK_THAT(only(check_all(facts)).text, ContainsSubstring("circle"));
    }
}

TEST_CASE("doctor: the server's environment against the configuration", "[app][unit]") {
    struct Case {
        std::string name, value;
        Level level;
        std::string text, fix;
    };

    auto const one = GENERATE(values<Case>({
        {"OLLAMA_MAX_LOADED_MODELS",
         "2",
         Level::Problem,
         "is 2, upstream.max_loaded_models is 3",
         "max_loaded_models = 2"},
        {"OLLAMA_MAX_LOADED_MODELS",
         "9",
         Level::Warning,
         "would hold more",
         "OLLAMA_MAX_LOADED_MODELS=3"},
        {"OLLAMA_NUM_PARALLEL", "4", Level::Problem, "4 times", "parallel = 4"},
        {"OLLAMA_KV_CACHE_TYPE",
         "q8_0",
         Level::Warning,
         "less than predicted",
         "kv_cache_type = \"q8_0\""},
        {"OLLAMA_KV_CACHE_TYPE",
         "f32",
         Level::Problem,
         "more than predicted",
         "OLLAMA_KV_CACHE_TYPE=f16"},
        {"OLLAMA_FLASH_ATTENTION",
         "1",
         Level::Warning,
         "is 1, upstream.flash_attention is auto",
         "flash_attention = \"on\""},
        {"OLLAMA_FLASH_ATTENTION", "false", Level::Warning, "is false", "flash_attention = \"off\""
        },
        {"OLLAMA_LOAD_TIMEOUT", "10m", Level::Warning, "10m", "load_timeout = \"10m\""},
        {"OLLAMA_KEEP_ALIVE", "0", Level::Warning, "drops at once", "scheduler.keep_alive"},
        {"OLLAMA_MAX_QUEUE", "2", Level::Warning, "send 3 requests", "OLLAMA_MAX_QUEUE=512"},
        {"OLLAMA_GPU_OVERHEAD", "1073741824", Level::Warning, "no effect", "reserve"},
        {"OLLAMA_DEBUG_LOG_REQUESTS", "1", Level::Warning, "prompts", "take it away"},
        {"LLAMA_ARG_FIT_TARGET", "4096", Level::Warning, "2 GiB of 24 GiB free", "4096MiB"},
    }));
    CAPTURE(one.name, one.value);
    auto facts = sound();
    (*facts.upstreams[0].process.environment)[one.name] = one.value;
    auto const found = only(check_all(facts));
    CHECK(found.check == "environment");
    CHECK(found.level == one.level);
    CHECK_THAT(found.text, ContainsSubstring(one.name) && ContainsSubstring(one.text));
    CHECK_THAT(found.fix, ContainsSubstring(one.fix));
}

TEST_CASE("doctor: values of the environment that mean the same are no difference", "[app][unit]") {
    auto facts = sound();
    auto& upstream = facts.upstreams[0];
    upstream.flash_attention = "on";
    upstream.kv_type = "q8_0";
    upstream.default_ctx = 8192;
    upstream.process.environment = Environment{
        {"OLLAMA_MAX_LOADED_MODELS", "0"},
        {"OLLAMA_NUM_PARALLEL", " '1' "},
        {"OLLAMA_KV_CACHE_TYPE", "\"Q8_0\""},
        {"OLLAMA_FLASH_ATTENTION", "true"},
        {"OLLAMA_CONTEXT_LENGTH", "8192"},
        {"OLLAMA_GPU_OVERHEAD", "0"},
        {"OLLAMA_KEEP_ALIVE", "5m"},
        {"OLLAMA_SCHED_SPREAD", "1"},  // of one card
        {"CUDA_VISIBLE_DEVICES", "0"},
    };
    CHECK(of_level(check_all(facts), Level::Ok).size() == check_all(facts).size());
}

TEST_CASE("doctor: contexts, and a cache that is not quantised after all", "[app][unit]") {
    auto facts = sound();
    auto& upstream = facts.upstreams[0];
    auto& environment = *upstream.process.environment;
    SECTION("a context that the server was given and Plimsoll learns") {
        environment["OLLAMA_CONTEXT_LENGTH"] = "16384";
        CHECK(of_level(check_all(facts), Level::Ok).size() == check_all(facts).size());
    }
    SECTION("larger than configured") {
        upstream.default_ctx = 4096;
        environment["OLLAMA_CONTEXT_LENGTH"] = "16384";
        auto const found = only(check_all(facts));
        CHECK(found.level == Level::Problem);
        CHECK_THAT(found.fix, ContainsSubstring("default_num_ctx = 16384"));
    }
    SECTION("configured, but not told to the server") {
        upstream.default_ctx = 4096;
        CHECK_THAT(only(check_all(facts)).text, ContainsSubstring("is not set"));
    }
    SECTION("quantised without flash attention") {
        upstream.flash_attention = "off";
        environment["OLLAMA_FLASH_ATTENTION"] = "0";
        environment["OLLAMA_KV_CACHE_TYPE"] = "q4_0";
        CHECK_THAT(only(check_all(facts)).text, ContainsSubstring("not quantised"));
    }
}

TEST_CASE("doctor: two cards", "[app][unit]") {
    auto facts = sound();
    facts.device.cards.push_back({"nvidia:GPU-2", "", gibibytes(24), Bytes()});
    auto& upstream = facts.upstreams[0];
    upstream.max_loaded = 6;  // what Ollama holds on two cards
    upstream.budget = gibibytes(46);
    auto& environment = *upstream.process.environment;
    SECTION("right") {
        CHECK(of_level(check_all(facts), Level::Ok).size() == check_all(facts).size());
    }
    SECTION("spread over both") {
        environment["OLLAMA_SCHED_SPREAD"] = "true";
        CHECK_THAT(only(check_all(facts)).text, ContainsSubstring("all 2 cards"));
    }
    SECTION("only one is shown to the server") {
        environment["CUDA_VISIBLE_DEVICES"] = "GPU-1";
        CHECK_THAT(only(check_all(facts)).text, ContainsSubstring("1 of 2 cards"));
    }
    SECTION("too little left on one of them") {
        upstream.budget = gibibytes(47);
        CHECK_THAT(only(check_all(facts)).fix, ContainsSubstring("at most 46 GiB"));
    }
}

TEST_CASE("doctor: an environment that nobody lets us read", "[app][unit]") {
    auto facts = sound();
    auto& upstream = facts.upstreams[0];
    upstream.process.environment.reset();
    upstream.process.why_not = "its process belongs to user 998";
    SECTION("here") {
        auto const found = only(check_all(facts));
        CHECK_THAT(found.text, ContainsSubstring("user 998"));
        CHECK_THAT(found.fix, ContainsSubstring("sudo plimsoll doctor"));
    }
    SECTION("on another machine there is nothing to be done") {
        upstream.is_local = false;
        upstream.host = "gpu-box";
        CHECK(of_level(check_all(facts), Level::Ok).size() == check_all(facts).size());
    }
}

TEST_CASE("doctor: certificates of both sides", "[app][unit]") {
    auto facts = sound();
    CHECK(check_certificate(facts).empty());
    facts.certificate.is_configured = true;
    facts.certificate.facts = {"gpu-box.lan", "2027-01-31", 60};
    CHECK_THAT(check_certificate(facts).front().text, ContainsSubstring("until 2027-01-31"));
    facts.certificate.facts.days_left = 13;
    CHECK(only(check_certificate(facts)).level == Level::Warning);
    facts.certificate.facts.days_left = -1;
    CHECK(only(check_certificate(facts)).level == Level::Problem);
    facts.certificate.problem = "/etc/plimsoll/server.key belongs to another certificate";
    CHECK_THAT(only(check_certificate(facts)).text, ContainsSubstring("another certificate"));
    // What this user may not read says nothing.
    facts.config.config.tls.files = {"/etc/plimsoll/server.crt", "/etc/plimsoll/server.key"};
    FileFacts key;
    key.path = "/etc/plimsoll/server.key";
    key.exists = true;
    key.mode = 0600;
    facts.key_files = {key};
    CHECK(check_certificate(facts).front().level == Level::Ok);
    CHECK(check_files(facts).front().level == Level::Ok);
    facts.key_files[0].mode = 0644;
    CHECK_THAT(only(check_files(facts)).fix, ContainsSubstring("chmod o-rwx"));

    facts = sound();
    facts.upstreams[0].answer = {};
    facts.upstreams[0].answer.is_tls_failure = true;
    facts.upstreams[0].answer.error = "its certificate is for a, not for b";
    CHECK_THAT(only(check_upstreams(facts)).fix, ContainsSubstring("tls_ca_file"));
    facts.daemon.runs = false;
    facts.daemon.is_tls_failure = true;
    facts.daemon.why = "its certificate is for a, not for 127.0.0.1";
    CHECK_THAT(only(check_daemon(facts)).fix, ContainsSubstring("PLIMSOLL_CA_FILE"));
}

TEST_CASE("doctor: the daemon", "[app][unit]") {
    auto facts = sound();
    SECTION("does not run") {
        facts.daemon.runs = false;
        facts.daemon.why = "nothing listens there";
        facts.sockets.listeners.pop_back();
        facts.upstreams[0].answer.loaded = {{"qwen3:8b", gibibytes(6), false}};
        auto const all = check_all(facts);
        CHECK(only(all).level == Level::Warning);
        CHECK_THAT(render(all, {}), ContainsSubstring("in memory already: qwen3:8b (6 GiB)"));
        CHECK_THAT(render(all, {}), ContainsSubstring("127.0.0.1:11435 is free"));
    }
    SECTION("something else has its port") {
        facts.daemon.runs = false;
        facts.daemon.is_ours = false;
        facts.daemon.why = "GET /plimsoll/v1/status gives status 404";
        facts.sockets.listeners.back().command = "python3";
        auto const wrong = of_level(check_all(facts), Level::Problem);
        REQUIRE(wrong.size() == 2);
        CHECK_THAT(wrong[0].text, ContainsSubstring("no Plimsoll"));
        CHECK_THAT(wrong[1].text, ContainsSubstring("taken by python3 (process 8)"));
    }
    SECTION("another one than was asked has its port") {
        facts.daemon.runs = false;
        CHECK_THAT(render(check_ports(facts), {}), ContainsSubstring("Plimsoll listens there"));
        facts.daemon.runs = true;
        facts.daemon.url = "http://127.0.0.1:11434";
        facts.sockets.listeners.pop_back();
        CHECK_THAT(render(check_ports(facts), {}), ContainsSubstring("127.0.0.1:11435 is free"));
    }
    SECTION("wants a key") {
        facts.daemon.runs = false;
        facts.daemon.refuses = true;
        facts.daemon.why = "a key is needed";
        CHECK_THAT(only(check_all(facts)).fix, ContainsSubstring("PLIMSOLL_KEY"));
    }
    SECTION("has models that others loaded") {
        facts.daemon.models = {{"a", gibibytes(2), false}, {"b", gibibytes(3), true}};
        CHECK_THAT(only(check_all(facts)).text, ContainsSubstring("b (3 GiB)"));
    }
    SECTION("has not seen yet what others loaded") {
        facts.daemon.models = {{"a", gibibytes(2), false}};
        facts.upstreams[0].answer.loaded = {{"a", gibibytes(2), false}, {"c", gibibytes(4), false}};
        auto const found = only(check_all(facts));
        CHECK_THAT(found.text, ContainsSubstring("c (4 GiB)"));
        CHECK_THAT(found.text, !ContainsSubstring("a (2 GiB)"));
    }
    SECTION("schedules nothing") {
        facts.daemon.enabled = false;
        CHECK_THAT(only(check_all(facts)).text, ContainsSubstring("management is off"));
    }
    SECTION("went over its budget") {
        facts.daemon.violations = 2;
        CHECK(only(check_all(facts)).level == Level::Problem);
    }
}

TEST_CASE("doctor: budgets against cards", "[app][unit]") {
    auto facts = sound();
    auto& upstream = facts.upstreams[0];
    SECTION("more than there is") {
        upstream.budget = gibibytes(30);
        auto const found = only(check_all(facts));
        CHECK(found.level == Level::Problem);
        CHECK_THAT(found.text, ContainsSubstring("30 GiB of 24 GiB"));
        CHECK_THAT(found.fix, ContainsSubstring("23 GiB"));
    }
    SECTION("more was wished for than there is") {
        upstream.budget_warning =
            "the budget of 30 GiB is more than the GPU's 24 GiB; 24 GiB is used";
        CHECK_THAT(only(check_all(facts)).text, ContainsSubstring("24 GiB is used"));
    }
    SECTION("too little left for the runner") {
        upstream.budget = gibibytes(24) - mebibytes(100);
        CHECK_THAT(only(check_all(facts)).text, ContainsSubstring("100 MiB stay free"));
    }
    SECTION("others take what the budget counts on") {
        facts.device.processes = {
            {{"nvidia:GPU-1", 7, gibibytes(1)}, "ollama", true},
            {{"nvidia:GPU-1", 99, gibibytes(4)}, "blender", false}
        };
        auto const found = only(check_all(facts));
        CHECK_THAT(found.text, ContainsSubstring("blender (process 99, 4 GiB)"));
        CHECK_THAT(found.fix, ContainsSubstring("reserve"));
    }
    SECTION("a driver that does not work") {
        facts.device.cards.clear();
        facts.device.problem = "Driver Not Loaded";
        CHECK_THAT(only(check_all(facts)).text, ContainsSubstring("Driver Not Loaded"));
    }
    SECTION("none, and a budget that was guessed") {
        facts.device.cards.clear();
        upstream.budget_warning = "three quarters of the host's memory";
        CHECK(only(check_all(facts)).check == "budget");
    }
    SECTION("a server that was swapped out") {
        facts.host.server_swap = gibibytes(2);
        CHECK_THAT(only(check_all(facts)).text, ContainsSubstring("2 GiB"));
    }
}
