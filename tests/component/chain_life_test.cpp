// The models of a run: what is loaded, kept, loaded ahead and unloaded.

#include <plimsoll/log/log.hpp>

#include "chain_fixture.hpp"

#include <algorithm>

using namespace plimsoll;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

// One step for each letter: "aba".
std::string steps(std::string const& letters, std::string const& more = "") {
    std::string out;
    for (char const letter : letters) {
        out += (out.empty() ? "" : ",") + std::string(R"({"model":")") + letter +
               R"(:1","instruction":"{input}"})";
    }
    return R"({"steps":[)" + out + "]" + more + "}";
}

std::string management(std::string const& members) {
    return R"(,"management":{)" + members + "}";
}

// "load a, load b, unload a": what happened to models, in order.
std::string life(std::vector<boost::json::object> const& events) {
    std::string out;
    for (auto const& event : events) {
        auto const kind = text(event, "event");
        auto const word = kind == "model_loaded"     ? "load"
                          : kind == "model_unloaded" ? "unload"
                                                     : "";
        if (*word != '\0') {
            out += (out.empty() ? "" : ", ") + std::string(word) + " " +
                   text(event, "model").substr(0, 1);
        }
    }
    return out;
}

std::size_t loads_of(std::vector<boost::json::object> const& events) {
    return of_kind(events, "model_loaded").size();
}

void load(ChainFixture& f, std::string const& model) {
    auto const answer = f.post(
        "/api/chat", R"({"model":")" + model + R"(","messages":[{"role":"user","content":"x"}]})"
    );
    REQUIRE(status_of(answer) == 200);
}

}  // namespace

TEST_CASE("chain: a model is loaded before its step and unloaded after it", "[chain][component]") {
    ChainFixture f;
    // Only one at a time, so that nothing is loaded ahead.
    auto const events = f.events(steps("ab", management(R"("max_loaded_models":1)")));
    CHECK(life(events) == "load a, unload a, load b, unload b");
    CHECK(f.engine->snapshot().charged.is_zero());
    CHECK(f.ollama.loaded.empty());
}

TEST_CASE("chain: a model that the next step uses stays", "[chain][component]") {
    ChainFixture f;
    auto const most = GENERATE(R"("max_loaded_models":1)", R"("verbose":true)");
    CHECK(life(f.events(steps("aa", management(most)))) == "load a, unload a");
}

TEST_CASE("chain: a model that a later step uses stays where there is room", "[chain][component]") {
    ChainFixture f;
    auto const events = f.events(steps("aba"));
    CHECK(loads_of(events) == 2);
    CHECK(f.engine->snapshot().charged.is_zero());
    CHECK(
        life(f.events(steps("aba", management(R"("max_loaded_models":1)")))) ==
        "load a, unload a, load b, unload b, load a, unload a"
    );
}

TEST_CASE("chain: no more models than allowed are in memory at a time", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const&) { return Said{.content = "x", .after = 200ms}; };
    SECTION("one") {
        f.run(steps("abcdabcd", management(R"("max_loaded_models":1)")));
        CHECK(f.ollama.most_loaded == 1);
    }
    SECTION("two") {
        f.run(steps("abcdabcd", management(R"("max_loaded_models":2)")));
        CHECK(f.ollama.most_loaded == 2);
    }
}

TEST_CASE("chain: the next model is loaded while a step goes on", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const&) { return Said{.content = "x", .after = 1s}; };
    auto const events = f.events(steps("ab"));
    CHECK(life(events) == "load a, load b, unload a, unload b");
    CHECK(text(events.back(), "status") == "succeeded");
    auto const second = of_kind(events, "step_finished").at(1);
    CHECK(second.at("waited_seconds").to_number<double>() == 0);
    CHECK(second.at("loads") == 1);  // it cost this run a load all the same
}

TEST_CASE("chain: without automatic unloading models stay", "[chain][component]") {
    ChainFixture f;
    f.run(steps("ab", management(R"("auto_unload":false)")));
    CHECK(f.ollama.loaded.size() == 2);
    SECTION("unless the end is told to clean up") {
        f.run(steps("ab", R"(,"final_cleanup":true)" + management(R"("auto_unload":false)")));
        CHECK(f.ollama.loaded.empty());
    }
}

TEST_CASE("chain: with final_cleanup off only automatic unloading counts", "[chain][component]") {
    ChainFixture f;
    f.run(steps("a", R"(,"final_cleanup":false)"));
    REQUIRE(f.pump([&] { return f.ollama.loaded.empty(); }));
}

TEST_CASE("chain: what another client wants kept stays", "[chain][component]") {
    ChainFixture f;
    load(f, "a:1");
    auto const events = f.events(steps("ab"));
    CHECK(f.ollama.loaded == std::vector<std::string>{"a:1"});
    CHECK(of_kind(events, "warning").empty());
}

TEST_CASE("chain: the initial cleanup unloads what is idle", "[chain][component]") {
    ChainFixture f;
    load(f, "d:1");
    f.settle();
    f.run(steps("a", R"(,"initial_cleanup":true)"));
    CHECK(f.ollama.loaded.empty());
}

TEST_CASE("chain: without management a run is a client like any other", "[chain][component]") {
    ChainFixture f;
    auto const events = f.events(steps("ab", management(R"("enabled":false)")));
    CHECK(text(events.back(), "status") == "succeeded");
    CHECK(life(events).empty());
    CHECK(f.ollama.loaded.size() == 2);  // their keep-alive times are running
}

TEST_CASE("chain: a step that says keep_alive is not unloaded after it", "[chain][component]") {
    ChainFixture f;
    f.run(
        R"({"final_cleanup":false,"steps":[{"model":{"name":"a:1","params":{"keep_alive":"1h"}},"instruction":"x"}]})"
    );
    f.settle();
    CHECK(f.ollama.loaded == std::vector<std::string>{"a:1"});
}

TEST_CASE("chain: two runs over one model share it", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const&) { return Said{.content = "x", .after = 500ms}; };
    auto const one = f.post("/plimsoll/v1/chains/run", steps("aa"), "Prefer: respond-async\r\n");
    auto const two = f.run(steps("aa"));
    CHECK(text(two, "status") == "succeeded");
    auto const url = field_of(one, "Location");
    REQUIRE(f.pump([&] { return text(f.get_json(url), "status") == "succeeded"; }));
    CHECK(f.engine->snapshot().counters.loads == 1);
    REQUIRE(f.pump([&] { return f.ollama.loaded.empty(); }));
}

TEST_CASE("chain: an operator sees what a verbose run does", "[chain][component]") {
    std::vector<std::string> lines;
    plimsoll::log::capture_for_test([&](std::string_view line) { lines.emplace_back(line); });
    {
        ChainFixture f;
        f.run(steps("a", R"(,"initial_cleanup":true)" + management(R"("verbose":true)")));
    }
    plimsoll::log::capture_for_test({});
    auto const has = [&](std::string_view part) {
        return std::ranges::any_of(lines, [&](auto const& line) { return line.contains(part); });
    };
    CHECK(has("Model management: initial cleanup, checking for loaded models"));
    CHECK(has("Model management: loading a:1"));
    CHECK(has("Model management: setting the context length of a:1 to 4096"));
    CHECK(has("Model management: successfully loaded a:1 in "));
    CHECK(has("(VRAM: 1024MB)"));
    CHECK(has("Model management: unloading a:1"));
    CHECK(has("Model management: successfully unloaded a:1"));
    CHECK(has("Model management: final cleanup"));
}
