#include "app/views.hpp"

#include "support/catch.hpp"

#include <boost/json/parse.hpp>

using namespace plimsoll::app;

namespace {

auto json(char const* text) {
    return boost::json::parse(text);
}

}  // namespace

TEST_CASE("views: what is missing or of another kind leaves a gap, no failure", "[app][unit]") {
    for (auto const* text :
         {"null", "[]", "{}", "7", R"({"models": 3, "waiting": {}, "upstreams": [null, 4]})"}) {
        CAPTURE(text);
        CHECK(render_models(json(text), {}) == "No model is in memory.\n");
        CHECK(render_queue(json(text), {}) == "Nothing waits.\n");
        CHECK_FALSE(render_status(json(text), {}).empty());
        CHECK(render_cleanup(json(text), {}) == "Nothing was loaded.\n");
        CHECK_FALSE(describe_instance("Ready", json(text)).empty());
    }
}

TEST_CASE("views: rows of another kind are shown with gaps", "[app][unit]") {
    CHECK_THAT(
        render_models(json(R"({"models": [{"name": 5, "charge_bytes": "x"}]})"), {}),
        ContainsSubstring("-")
    );
}

TEST_CASE("views: models as a table with units", "[app][unit]") {
    auto const text = render_models(
        json(R"({"models": [
            {"name": "gemma3:12b", "state": "ready", "charge_bytes": 9663676416, "measured_bytes": 9663676416,
             "num_ctx": 4096, "leases": 1, "waiting": 0, "last_used_seconds_ago": 3, "pinned": false, "foreign": false,
             "expires_in_seconds": null},
            {"name": "qwen3:8b", "state": "loading", "charge_bytes": 1073741824, "measured_bytes": 0, "num_ctx": 8192,
             "leases": 0, "waiting": 2, "last_used_seconds_ago": null, "pinned": true, "foreign": true,
             "expires_in_seconds": null},
            {"name": "a", "state": "ready", "charge_bytes": 1073741824, "measured_bytes": 1073741824, "num_ctx": 2048,
             "leases": 0, "waiting": 0, "last_used_seconds_ago": 60, "pinned": false, "foreign": false,
             "expires_in_seconds": 240}]})"),
        {}
    );
    CHECK(
        text ==
        "NAME                               STATE    CHARGE  MEASURED  CONTEXT  USERS  WAITING  "
        "LAST USED  EXPIRES\n"
        "gemma3:12b                         ready     9 GiB     9 GiB     4096      1        0     "
        "     -  never\n"
        "qwen3:8b (not loaded by Plimsoll)  loading   1 GiB         -     8192      0        2     "
        "     -  pinned\n"
        "a                                  ready     1 GiB     1 GiB     2048      0        0   "
        "60 s ago  in 240 s\n"
    );
}

TEST_CASE("views: the state of an upstream, its budget and the queue", "[app][unit]") {
    auto const text = render_status(
        json(R"({"version": "0.1.0", "enabled": true, "draining": false, "queue": 2, "upstreams": [
            {"name": "ollama", "provider": "ollama", "url": "http://127.0.0.1:11434", "up": true, "version": "0.5.0",
             "budget_bytes": 23622320128, "charged_bytes": 11811160064, "peak_bytes": 21474836480, "waiting": 2,
             "longest_wait_seconds": 4}]})"),
        {}
    );
    CHECK(
        text ==
        "Plimsoll 0.1.0\n"
        "ollama  ollama 0.5.0 at http://127.0.0.1:11434  up\n"
        "  budget   22 GiB\n"
        "  charged  11 GiB  [###############               ]\n"
        "  peak     20 GiB\n"
        "  waiting  2, the longest for 4 s\n"
        "queue 2 waiting; see: plimsoll queue\n"
    );
}

TEST_CASE("views: an upstream that is down says why; over the budget is named", "[app][unit]") {
    auto const text = render_status(
        json(R"({"version": "0.1.0", "enabled": true, "draining": true, "queue": 0, "upstreams": [
            {"name": "ollama", "up": false, "why": "connection refused", "budget_bytes": 1024, "charged_bytes": 2048}]})"
        ),
        {}
    );
    CHECK_THAT(text, ContainsSubstring("down: connection refused"));
    CHECK_THAT(text, ContainsSubstring("over the budget"));
    CHECK_THAT(text, ContainsSubstring("draining"));
    CHECK_THAT(text, ContainsSubstring("queue empty"));
}

TEST_CASE("views: the queue says why each one waits", "[app][unit]") {
    auto const text = render_queue(
        json(
            R"({"waiting": [{"position": 1, "model": "a:7b", "waited_seconds": 2.5, "client": "127.0.0.1",
                              "priority": "normal", "expected_seconds": 31, "why": "b:7b is loading"}]})"
        ),
        {}
    );
    CHECK(
        text ==
        "#  MODEL  WAITED   STILL  CLIENT     PRIORITY  WHY\n"
        "1  a:7b    2.5 s  ~ 31 s  127.0.0.1  normal    b:7b is loading\n"
    );
}

TEST_CASE("views: cleanup names what went and what stayed", "[app][unit]") {
    CHECK(
        render_cleanup(
            json(R"({"unloaded": ["a:7b"], "kept": [{"name": "b:7b", "reason": "in use"}]})"), {}
        ) == "Unloaded a:7b\nKept b:7b: in use\n"
    );
}

TEST_CASE("views: one instance in one sentence", "[app][unit]") {
    CHECK(
        describe_instance(
            "Ready",
            json(
                R"({"name": "a:7b", "charge_bytes": 1073741824, "num_ctx": 4096, "load_seconds": 2.5})"
            )
        ) == "Ready a:7b: 1 GiB, context 4096, loaded in 2.5 s\n"
    );
}

TEST_CASE("views: a plan says how long, and each step with its reason", "[app][unit]") {
    CHECK(
        render_plan(
            json(
                R"({"model": "b:7b", "outcome": "waits", "wait_seconds": 3, "num_ctx": 4096, "charge_bytes": 8589934592,
                     "budget_bytes": 10737418240, "charged_bytes": 6442450944, "steps": [
                     {"in_seconds": 0, "what": "unload", "model": "a:7b", "bytes": 6442450944, "reason": "idle 10 s"},
                     {"in_seconds": 1, "what": "load", "model": "b:7b", "bytes": 8589934592, "reason": "for 1 ticket"},
                     {"in_seconds": 3, "what": "dispatch", "model": "b:7b", "bytes": null, "reason": "b:7b is ready"}]})"
            ),
            {}
        ) ==
        "b:7b: in about 3 s\n"
        "  needs 8 GiB, context 4096; 6 GiB of the budget of 10 GiB are charged now\n"
        "AFTER  WHAT      MODEL  BYTES  WHY\n"
        "  0 s  unload    a:7b   6 GiB  idle 10 s\n"
        "  1 s  load      b:7b   8 GiB  for 1 ticket\n"
        "  3 s  dispatch  b:7b          b:7b is ready\n"
    );
    CHECK_THAT(
        render_plan(
            json(R"({"model": "b:70b", "outcome": "refused", "num_ctx": 4096, "steps": [
                     {"in_seconds": 0, "what": "refuse", "model": null, "reason": "needs 40 GiB"}]})"
            ),
            {}
        ),
        ContainsSubstring("b:70b: refused")
    );
}

TEST_CASE(
    "views: an estimate shows its parts, the largest context and the picture", "[app][unit]"
) {
    CHECK(
        render_estimate(
            json(
                R"({"model": "a:8b", "num_ctx": 8192, "parallel": 2, "kv_cache_type": "q8_0", "flash_attention": "auto",
                     "num_batch": 1024, "weights": 4294967296, "kv": 2147483648, "kv_windowed": 1073741824, "compute": 1073741824,
                     "recurrent": 0, "projector": 0, "draft": 0, "overhead": 1073741824, "total": 8589934592,
                     "booked": 9663676416, "margin": 1073741824, "measured": null, "host": 1048576, "loads": true,
                     "notes": ["Assumed: something."], "largest_num_ctx": 16384, "trained_num_ctx": 32768,
                     "fit_bytes": 12884901888, "fit_by": "booked", "curve": [
                     {"num_ctx": 8192, "weights": 5368709120, "cache": 2147483648, "compute": 1073741824, "total": 8589934592},
                     {"num_ctx": 32768, "weights": 5368709120, "cache": 8589934592, "compute": 2147483648, "total": 16106127360}]})"
            ),
            {}
        ) ==
        "a:8b  context 8192, 2 slots, q8_0 cache, flash attention auto, batch 1024\n"
        "PART         BYTES  WHAT\n"
        "weights      4 GiB\n"
        "cache        2 GiB  1 GiB of it in sliding windows\n"
        "compute      1 GiB  buffer of the widest graph\n"
        "process      1 GiB  driver context and kernels\n"
        "total        8 GiB  predicted\n"
        "booked       9 GiB  with a margin of 1 GiB, until it is measured\n"
        "on the host  1 MiB  not in the total\n"
        "Largest context in the budget of 12 GiB: 16384 tokens\n"
        "Assumed: something.\n"
        "\n"
        "  CONTEXT      TOTAL\n"
        "     8192      8 GiB  ████████████████▓▓▓▓▓▓░░░░            │\n"
        "    32768     15 GiB  ████████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓░░░░░░\n"
        "█ weights and process  ▓ cache  ░ compute  │ 12 GiB\n"
    );
    CHECK(
        render_estimate(
            json(
                R"({"model": "a:8b", "num_ctx": 8192, "parallel": 1, "kv_cache_type": "q8_0", "flash_attention": "off",
                     "num_batch": 512, "loads": false, "notes": ["No."], "curve": []})"
            ),
            {}
        ) ==
        "a:8b  context 8192, 1 slot, q8_0 cache, flash attention off, batch 512\nWould not "
        "load.\nNo.\n"
    );
    CHECK_THAT(
        render_estimate(
            json(
                R"({"model": "a:8b", "loads": true, "fit_bytes": 1073741824, "fit_by": "predicted", "largest_num_ctx": null})"
            ),
            {}
        ),
        ContainsSubstring("Does not fit 1 GiB with any context.")
    );
}
