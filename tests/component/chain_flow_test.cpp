// The order of a run: steps, breakers, maps and loops.

#include "chain_fixture.hpp"

using namespace plimsoll::test;

namespace {

// Steps "a", "b", ... each with the instruction "{input}", and breakers.
std::string two_steps(std::string const& breakers) {
    return R"({"steps":[{"name":"one","model":"a:1","instruction":"{input}"},)"
           R"({"name":"two","model":"b:1","instruction":"{input}"}],"breakers":[)" +
           breakers + "]}";
}

std::string place_of(boost::json::value const& step) {
    return text(step.as_object(), "step");
}

std::string places(boost::json::object const& run) {
    std::string out;
    for (auto const& step : run.at("steps").as_array()) {
        out += (out.empty() ? "" : " ") + place_of(step);
    }
    return out;
}

}  // namespace

TEST_CASE("chain: each step gets what the one before gave", "[chain][component]") {
    ChainFixture f;
    auto const run = f.run(
        R"({"models":["ollama/a:1","b:1","a:1"],"instructions":["1 {input}","2 {input}","3 {original} {input}"]})",
        "x"
    );
    CHECK(text(run, "status") == "succeeded");
    CHECK(text(run, "output") == "a(3 x b(2 a(1 x)))");
    CHECK(places(run) == "1 2 3");
    auto const& first = run.at("steps").as_array().at(0).as_object();
    CHECK(text(first, "model") == "a:1");
    CHECK(first.at("loads") == 1);
    CHECK(first.at("tokens") == 5);
    CHECK(run.at("tokens") == 15);
}

TEST_CASE("chain: texts name steps, variables and the system's part", "[chain][component]") {
    ChainFixture f;
    auto const run = f.run(
        R"({"vars":{"who":"nobody"},"steps":[
            {"name":"one","model":"a:1","instruction":"for {vars.who}: {{x}}"},
            {"model":"b:1","system":"be {vars.who}","instruction":"{step.one} and {step.1}"}]})"
    );
    CHECK(text(run, "output") == "b(a(for nobody: {x}) and a(for nobody: {x}))");
    CHECK(f.asked.back().system == "be nobody");
    auto const given = f.post_json(
        "/plimsoll/v1/chains/run",
        R"({"chain":{"steps":[{"model":"a:1","instruction":"for {vars.who}"}]},"vars":{"who":"me"}})"
    );
    CHECK(text(given, "output") == "a(for me)");
    auto const missing = f.run(R"({"steps":[{"model":"a:1","instruction":"for {vars.who}"}]})");
    CHECK(text(missing, "status") == "failed");
    CHECK_THAT(text(missing, "error"), ContainsSubstring("{vars.who} has no value"));
}

TEST_CASE("chain: options reach the model, and the chain's num_ctx", "[chain][component]") {
    ChainFixture f;
    f.run(
        R"({"management":{"num_ctx":2048},"steps":[
            {"model":{"name":"a:1","params":{"options":{"temperature":0.5},"think":false,"format":"json"}},"instruction":"{input}"},
            {"model":{"name":"b:1","params":{"num_ctx":1024}},"instruction":"{input}"}]})"
    );
    auto const& first = f.asked.at(0);
    CHECK(first.bytes.contains(R"("temperature":5E-1)"));
    CHECK(first.bytes.contains(R"("num_ctx":2048)"));
    CHECK(first.body.at("think") == false);
    CHECK(text(first.body, "format") == "json");
    CHECK(f.asked.at(1).bytes.contains(R"("num_ctx":1024)"));
}

TEST_CASE("chain: each step carries the trace of who asks", "[chain][component]") {
    ChainFixture f;
    std::string const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    auto const end = f.post_json(
        "/plimsoll/v1/chains/run",
        R"({"steps":[{"model":"a:1","instruction":"x"},{"model":"a:1","instruction":"y"}],"input":"x"})",
        "traceparent: " + parent + "\r\ntracestate: a=b\r\n"
    );
    CHECK(text(end, "status") == "succeeded");
    REQUIRE(f.asked.size() == 2);
    auto const& seen = f.ollama.last("POST /api/chat");
    CHECK(seen.fields.get("traceparent") == parent);
    CHECK(seen.fields.get("tracestate") == "a=b");
}

TEST_CASE("chain: a breaker stops the run", "[chain][component]") {
    ChainFixture f;
    SECTION("with what the step gave") {
        auto const run = f.run(two_steps(R"({"when":{"step":"one"},"then":{"stop":true}})"));
        CHECK(text(run, "output") == "a(in)");
        CHECK(places(run) == "1");
        CHECK(run.at("steps").as_array().at(0).as_object().at("breaker") == 0);
    }
    SECTION("with an output of its own") {
        auto const run = f.run(two_steps(
            R"({"when":{"contains":"A(IN","ignore_case":true},"then":{"stop":{"output":"no: {step.one}"}}})"
        ));
        CHECK(text(run, "output") == "no: a(in)");
        CHECK(text(run, "status") == "succeeded");
    }
}

TEST_CASE("chain: each kind of rule is looked at after a step", "[chain][component]") {
    auto const rule = GENERATE(
        R"({"contains":"in"})",
        R"j({"equals":"a(in)"})j",
        R"j({"regex":"^a\\(.n\\)$"})j",
        R"({"longer_than":4})",
        R"({"shorter_than":6})",
        R"({"any":[{"equals":"x"},{"step":1}]})",
        R"({"all":[{"step":"one"},{"not":{"equals":"x"}}]})",
        R"({"not":{"error":"any"}})",
        R"({"not":{"elapsed":1000}})"
    );
    ChainFixture f;
    INFO(rule);
    auto const run =
        f.run(two_steps(std::string(R"({"when":)") + rule + R"(,"then":{"stop":{"output":"met"}}})")
        );
    CHECK(text(run, "output") == "met");
    CHECK(places(run) == "1");
}

TEST_CASE("chain: a rule on JSON reads what the model gave", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const&) { return Said{.content = "```json\n{\"score\": 7}\n```"}; };
    auto const run = f.run(two_steps(
        R"({"when":{"json":{"pointer":"/score","greater_than":6}},"then":{"stop":{"output":"good"}}})"
    ));
    CHECK(text(run, "output") == "good");
}

TEST_CASE("chain: a breaker jumps, as often as it may", "[chain][component]") {
    ChainFixture f;
    auto const run =
        f.run(two_steps(R"({"when":{"step":"two"},"then":{"jump":"one","at_most":2}})"), "x");
    CHECK(places(run) == "1 2 1 2 1 2");
    CHECK(text(run, "output") == "b(a(b(a(b(a(x))))))");
}

TEST_CASE("chain: a breaker tries a step again, otherwise", "[chain][component]") {
    ChainFixture f;
    auto const run = f.run(two_steps(
        R"({"when":{"all":[{"step":"one"},{"shorter_than":7}]},"then":{"retry":{"model":"c:1","instruction":"better: {input}"}}})"
    ));
    CHECK(text(run, "output") == "b(c(better: in))");
    CHECK(places(run) == "1 1 2");
}

TEST_CASE("chain: a breaker can save a run whose step failed", "[chain][component]") {
    ChainFixture f;
    auto const run = f.run(
        R"({"steps":[{"model":"nope:1","instruction":"{input}"}],"breakers":[
            {"when":{"error":"model management failed"},"then":{"stop":{"output":"saved"}}}]})"
    );
    CHECK(text(run, "status") == "succeeded");
    CHECK(text(run, "output") == "saved");
}

TEST_CASE("chain: a map does the same for each item, some side by side", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const& question) {
        // The first item takes longest: the order of the list is kept all the same.
        return Said{
            .content = "<" + question.user + ">",
            .after = std::chrono::milliseconds(question.user == "1: x" ? 500 : 10)
        };
    };
    auto const run = f.run(
        R"({"steps":[{"kind":"map","name":"each","items":"{input}","parallel":2,"steps":[
            {"model":"a:1","instruction":"{index}: {item}"}]},
            {"model":"b:1","instruction":"{step.each}"}]})",
        R"(["x","y",{"z":1}])"
    );
    CHECK(text(run, "status") == "succeeded");
    CHECK(f.asked.back().user == R"(["<1: x>","<2: y>","<3: {\"z\":1}>"])");
    CHECK(run.at("steps").as_array().size() == 5);  // three items, the map, the last
}

TEST_CASE("chain: a map without a list fails, and says what it got", "[chain][component]") {
    ChainFixture f;
    auto const run = f.run(
        R"({"steps":[{"kind":"map","items":"{input}","steps":[{"model":"a:1","instruction":"{item}"}]}]})",
        "no list"
    );
    CHECK(text(run, "status") == "failed");
    CHECK_THAT(text(run, "error"), ContainsSubstring("no JSON list but: no list"));
    auto const empty = f.run(
        R"({"steps":[{"kind":"map","items":"{input}","steps":[{"model":"a:1","instruction":"{item}"}]}]})",
        "[]"
    );
    CHECK(text(empty, "output") == "[]");
}

TEST_CASE("chain: the first failure of a map ends the others", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const& question) {
        return question.user == "bad" ? Said{.status = 400, .error = "no"}
                                      : Said{.content = "x", .after = std::chrono::hours(1)};
    };
    auto const run = f.run(
        R"({"steps":[{"kind":"map","items":"{input}","parallel":2,"steps":[{"model":"a:1","instruction":"{item}"}]}]})",
        R"(["bad","good","good"])"
    );
    CHECK(text(run, "status") == "failed");
    CHECK_THAT(text(run, "error"), ContainsSubstring("no"));
    CHECK(f.asked.size() <= 2);
}

TEST_CASE("chain: a loop goes on until a breaker stops it", "[chain][component]") {
    ChainFixture f;
    std::string const loop =
        R"({"steps":[{"kind":"loop","max_rounds":5,"steps":[{"name":"try","model":"a:1","instruction":"{round}"}]},
            {"model":"b:1","instruction":"{input}"}],)";
    auto const stopped = f.run(
        loop +
        R"j("breakers":[{"when":{"all":[{"step":"try"},{"equals":"a(3)"}]},"then":{"stop":true}}]})j"
    );
    CHECK(text(stopped, "output") == "b(a(3))");  // the run goes on behind the loop
    CHECK(places(stopped) == "1[1].1 1[2].1 1[3].1 1 2");
    auto const whole = f.run(loop + R"("breakers":[]})");
    CHECK(text(whole, "output") == "b(a(5))");
}

TEST_CASE("chain: events tell what happened, in order", "[chain][component]") {
    ChainFixture f;
    auto const events =
        f.events(R"({"models":["a:1","b:1"],"instructions":["{input}","{input}"]})");
    std::string kinds;
    std::int64_t last = 0;
    for (auto const& event : events) {
        kinds += text(event, "event") + " ";
        CHECK(event.at("id").to_number<std::int64_t>() > last);
        last = event.at("id").to_number<std::int64_t>();
    }
    CHECK_THAT(kinds, Catch::StartsWith("run_started step_started model_loading model_loaded"));
    CHECK_THAT(kinds, Catch::EndsWith("run_finished "));
    CHECK(of_kind(events, "model_unloaded").size() == 2);
    CHECK(text(events.back(), "output") == "b(a(in))");
}
