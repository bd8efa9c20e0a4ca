#include "app/run_views.hpp"

#include "support/catch.hpp"

#include <boost/json/parse.hpp>

#include <cstdlib>
#include <ctime>

using namespace plimsoll::app;
using Catch::Matchers::StartsWith;

namespace {

auto json(char const* text) {
    return boost::json::parse(text);
}

// Times are shown as of here; tests are made for one place.
struct InZone {
    explicit InZone(char const* zone) {
        ::setenv("TZ", zone, 1);
        ::tzset();
    }

    ~InZone() {
        ::unsetenv("TZ");
        ::tzset();
    }

    InZone(InZone const&) = delete;
    InZone& operator=(InZone const&) = delete;
};

}  // namespace

TEST_CASE("run views: what is missing or of another kind leaves a gap, no failure", "[app][unit]") {
    for (auto const* text :
         {"null", "[]", "{}", "7", R"({"chains": 3, "runs": {}, "steps": [null, 4]})"}) {
        CAPTURE(text);
        CHECK_THAT(render_chains(json(text), {}), StartsWith("No chain is saved"));
        CHECK(render_runs(json(text), {}) == "No chain has run yet.\n");
        CHECK_FALSE(render_chain(json(text), {}).empty());
        CHECK_FALSE(render_run(json(text), {}).empty());
        CHECK_FALSE(describe_saved(json(text)).empty());
        CHECK_FALSE(describe_ended(json(text)).empty());
    }
}

TEST_CASE("run views: saved chains, and which cannot be run", "[app][unit]") {
    auto const text = render_chains(
        json(R"({"chains": [
            {"name": "summary", "description": "Short,\nthen shorter", "problems": [],
             "document": {"steps": [{}, {}]}},
            {"name": "old", "description": "", "problems": [{"at": "", "problem": "x"}],
             "document": {"models": ["a"], "instructions": ["b"]}}]})"),
        {}
    );
    CHECK(
        text ==
        "NAME     STEPS  STATE      DESCRIPTION\n"
        "summary      2  ok         Short, then shorter\n"
        "old          1  1 problem\n"
    );
}

TEST_CASE("run views: a chain with the steps within its steps", "[app][unit]") {
    auto const text = render_chain(
        json(
            R"({"name": "all", "model": "chain/all", "description": "", "problems": [], "document": {
            "breakers": [{}],
            "steps": [
              {"kind": "tool", "name": "list", "server": "files", "tool": "list", "arguments": {"n": 1}},
              {"kind": "map", "items": "{input}", "steps": [
                {"model": {"name": "qwen3:8b"}, "instruction": "{index}\n{item}"}]},
              {"kind": "loop", "max_rounds": 3, "steps": []}]}})"
        ),
        {}
    );
    CHECK(
        text ==
        "all\n"
        "  as a model  chain/all\n"
        "  breakers    1\n"
        "STEP  NAME  KIND    MODEL OR TOOL  INSTRUCTION\n"
        "1     list  tool    files list     {\"n\":1}\n"
        "2           map                    for each of {input}\n"
        "2.1         prompt  qwen3:8b       {index} {item}\n"
        "3           loop                   at most 3 rounds\n"
    );
}

TEST_CASE("run views: runs with their times as of here", "[app][unit]") {
    InZone const zone("CET-1");
    auto const text = render_runs(
        json(R"({"runs": [
            {"id": "5f1c8d1e2b3a4c5d", "chain": "summary", "status": "succeeded",
             "started": "2026-11-26T09:54:36.25Z", "seconds": 12.5, "loads": 2, "tokens": 142},
            {"id": "0000000000000001", "chain": null, "status": "running",
             "started": "2026-11-26T23:54:36Z", "seconds": 1, "loads": 0, "tokens": 0}]})"),
        {}
    );
    CHECK(
        text ==
        "ID                CHAIN    STATUS     STARTED                TOOK  LOADS  TOKENS\n"
        "5f1c8d1e2b3a4c5d  summary  succeeded  2026-11-26 10:54:36  12.5 s      2     142\n"
        "0000000000000001  -        running    2026-11-27 00:54:36     1 s      -       -\n"
    );
    CHECK(local_time("yesterday") == "yesterday");
}

TEST_CASE("run views: a run with its steps, and its output as it is", "[app][unit]") {
    InZone const zone("UTC");
    auto const text = render_run(
        json(R"({"id": "5f1c", "chain": null, "status": "failed", "client": "127.0.0.1",
            "started": "2026-11-26T09:54:36Z", "seconds": 12.5, "loads": 1, "load_seconds": 3, "tokens": 7,
            "error": "upstream: a: gone", "output": "so far\u001b", "steps": [
              {"step": "1", "name": "draft", "kind": "prompt", "model": "a", "seconds": 4.25,
               "waited_seconds": 0.5, "loads": 1, "bytes": 1073741824, "tokens": 7},
              {"step": "2", "name": "", "kind": "map", "model": "", "seconds": 1, "waited_seconds": 0,
               "loads": 0, "bytes": 0, "tokens": 0, "error": {"kind": "upstream", "message": "gone"}}]})"
        ),
        {}
    );
    CHECK(
        text ==
        "Run 5f1c  failed\n"
        "  chain    sent with the request\n"
        "  client   127.0.0.1\n"
        "  started  2026-11-26 09:54:36, took 12.5 s\n"
        "  loads    1, 3 s in all\n"
        "  tokens   7\n"
        "  error    upstream: a: gone\n"
        "  to go on at the step that had not ended: plimsoll runs resume 5f1c\n"
        "STEP  NAME   MODEL    TOOK  WAITED  LOADS  BYTES  TOKENS  ERROR\n"
        "1     draft  a      4.25 s  500 ms      1  1 GiB       7\n"
        "2            map       1 s       -      -      -       -  gone\n"
        "\n"
        "so far\x1b\n"
    );
}

TEST_CASE("run views: what became of a run that was to be cancelled", "[app][unit]") {
    CHECK(
        describe_ended(json(R"({"id": "5f1c", "status": "cancelled", "seconds": 3})")) ==
        "Cancelled run 5f1c after 3 s; to go on with it: plimsoll runs resume 5f1c\n"
    );
    CHECK(
        describe_ended(json(R"({"id": "5f1c", "status": "succeeded"})")) ==
        "Run 5f1c had succeeded before it could be cancelled\n"
    );
}
