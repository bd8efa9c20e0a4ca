#include "app/chain_progress.hpp"

#include "app/line_reader.hpp"
#include "support/catch.hpp"

#include <boost/json/parse.hpp>

#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::app;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kWide = 200;

// Events that come at set times, and what stays of each.
struct Screen {
    ChainProgress progress;
    std::vector<std::string> lines;
    TimePoint now{};

    Screen& event(std::string const& json, Duration after = {}) {
        now += after;
        for (auto const& line : progress.on_event(boost::json::parse(json), now)) {
            lines.push_back(line.text);
        }
        return *this;
    }

    [[nodiscard]] std::string status(Duration later = {}, std::size_t width = kWide) const {
        return progress.status(now + later, width);
    }
};

constexpr char const* kStart =
    R"({"event": "run_started", "run": "abc1", "chain": "summary", "steps": 3, "resumed": false})";
constexpr char const* kFirst =
    R"({"event": "step_started", "step": "1", "execution": 1, "name": "", "kind": "prompt",
        "model": "mistral-small:22b"})";
constexpr char const* kLoading =
    R"({"event": "model_loading", "model": "mistral-small:22b", "num_ctx": 4096,
        "charge_bytes": 20293720474})";
constexpr char const* kToken = R"({"event": "token", "step": "1", "text": "x"})";

Screen begun() {
    Screen screen;
    screen.event(kStart).event(kFirst);
    return screen;
}

}  // namespace

TEST_CASE("chain progress: the run is named first, for those who end it", "[app][unit]") {
    Screen screen;
    screen.event(kStart);
    CHECK(screen.lines == std::vector<std::string>{"run abc1 of summary, 3 steps"});
    CHECK(screen.progress.run() == "abc1");
    screen.event(
        R"({"event": "run_started", "run": "abc1", "chain": "", "steps": 1, "resumed": true})"
    );
    CHECK(screen.lines.back() == "run abc1 goes on, 1 step");
}

TEST_CASE("chain progress: a step waits, loads and answers in one line", "[app][unit]") {
    auto screen = begun();
    CHECK(screen.status(1200ms) == "step 1/3  mistral-small:22b  waiting 1.2 s");
    screen.event(kLoading, 2s);
    CHECK(screen.status(3100ms) == "step 1/3  mistral-small:22b  loading 3.1 s  18.9 GiB");
    CHECK(screen.progress.unknown_load() == "mistral-small:22b");
    CHECK_FALSE(screen.progress.unknown_load());  // once
    screen.progress.on_plan(
        boost::json::parse(
            R"({"steps": [{"what": "ready", "model": "mistral-small:22b", "in_seconds": 11}]})"
        ),
        screen.now + 1s
    );
    CHECK(
        screen.status(3s) ==
        "step 1/3  mistral-small:22b  loading 3.0 s of ~12.0 s  18.9 GiB  [#####...............]"
    );
    CHECK_THAT(screen.status(11900ms), ContainsSubstring("###.]"));  // never full before the end
    CHECK_THAT(screen.status(13s), ContainsSubstring("loading 13.0 s, expected ~12.0 s  18.9"));
    screen.event(
        R"({"event": "model_loaded", "model": "mistral-small:22b", "seconds": 11, "bytes": 1})", 11s
    );
    screen.event(kToken).event(kToken);
    CHECK(screen.status(500ms) == "step 1/3  mistral-small:22b  2 tokens  13.5 s  18.9 GiB");
    screen.event(R"({"event": "token", "step": "1", "text": "x", "attempt": 2, "thinking": true})");
    CHECK_THAT(screen.status(), ContainsSubstring("thinking, 1 token  "));
    CHECK(screen.lines.size() == 1);
}

TEST_CASE("chain progress: how long a model loaded once is expected again", "[app][unit]") {
    auto screen = begun();
    screen.event(kLoading);
    screen.event(R"({"event": "model_loaded", "model": "mistral-small:22b", "seconds": 4})", 4s);
    screen.event(R"({"event": "model_unloaded", "model": "mistral-small:22b", "seconds": 1})", 4s);
    screen.event(kLoading);
    CHECK_THAT(screen.status(1s), ContainsSubstring("loading 1.0 s of ~4.0 s"));
    CHECK_FALSE(screen.progress.unknown_load());
}

TEST_CASE("chain progress: a step that ended stays as a line", "[app][unit]") {
    auto screen = begun();
    screen.event(
        R"({"event": "step_finished", "step": "1", "execution": 1, "name": "draft", "kind": "prompt",
            "model": "mistral-small:22b", "seconds": 4.2, "load_seconds": 3.1, "loads": 1, "attempts": 1,
            "tokens": 67, "bytes": 20293720474})"
    );
    CHECK(
        screen.lines.back() ==
        "step 1 of 3  draft  mistral-small:22b  67 tokens  4.2 s  (loaded in 3.1 s, 18.9 GiB)"
    );
    CHECK(screen.status().empty());
    screen.event(
        R"({"event": "step_finished", "step": "2[1].1", "kind": "prompt", "model": "a", "seconds": 1,
            "attempts": 2, "tokens": 1, "bytes": 1073741824})"
    );
    CHECK(screen.lines.back() == "step 2[1].1  a  1 token  1 s  2 attempts  (was loaded, 1 GiB)");
    screen.event(R"({"event": "step_finished", "step": "2", "kind": "map", "seconds": 2})");
    CHECK(screen.lines.back() == "step 2 of 3  map  2 s");
}

TEST_CASE("chain progress: the error of a step is said where it is not the run's", "[app][unit]") {
    auto screen = begun();
    screen.event(
        R"({"event": "step_finished", "step": "1", "kind": "prompt", "model": "a", "seconds": 2,
            "error": {"kind": "timeout", "message": "too late"}})"
    );
    CHECK(screen.lines.back() == "step 1 of 3  a  failed after 2 s");
    screen.event(
        R"({"event": "step_finished", "step": "1", "kind": "prompt", "model": "a", "seconds": 2,
            "breaker": 0, "error": {"kind": "timeout", "message": "too late"}})"
    );
    CHECK(screen.lines.back() == "step 1 of 3  a  failed after 2 s: too late");
}

TEST_CASE("chain progress: warnings, breakers and tool calls are lines", "[app][unit]") {
    auto screen = begun();
    screen.event(R"({"event": "warning", "text": "attempt 1 of 3 failed"})");
    CHECK(screen.lines.back() == "warning: attempt 1 of 3 failed");
    screen.event(
        R"({"event": "breaker", "step": "2", "breaker": 1, "action": "jump", "to": "draft"})"
    );
    CHECK(screen.lines.back() == "step 2 meets /breakers/1: jump to draft");
    screen.event(
        R"({"event": "tool_call", "step": "1", "server": "files", "tool": "list",
            "arguments": {"path": "."}, "seconds": 0.25, "bytes": 3})"
    );
    CHECK_THAT(
        screen.lines.back(), ContainsSubstring(R"(step 1 calls list of files  {"path":"."})")
    );
    screen.event(R"({"event": "tool_call", "step": "1", "tool": "list", "error": "no such folder"})"
    );
    CHECK_THAT(screen.lines.back(), ContainsSubstring("failed: no such folder"));
}

TEST_CASE("chain progress: the step that began last is shown, and loads ahead", "[app][unit]") {
    auto screen = begun();
    screen.event(R"({"event": "model_loading", "model": "qwen3:8b", "charge_bytes": 5368709120})");
    CHECK(
        screen.status(2s) == "step 1/3  mistral-small:22b  waiting 2.0 s  loading qwen3:8b 2.0 s"
    );
    screen.event(
        R"({"event": "step_started", "step": "2", "name": "each", "kind": "map", "model": null})"
    );
    screen.event(R"({"event": "step_started", "step": "2[1].1", "kind": "tool", "name": "list"})");
    CHECK_THAT(screen.status(), ContainsSubstring("step 2[1].1 (+1)  list  tool  0.0 s"));
    screen.event(R"({"event": "run_finished", "status": "failed"})");
    CHECK(screen.status().size() < kWide);
}

TEST_CASE("chain progress: a load ahead that made way is not shown for ever", "[app][unit]") {
    auto screen = begun();
    screen.event(R"({"event": "model_loading", "model": "qwen3:8b", "charge_bytes": 5368709120})");
    screen.event(kLoading);
    CHECK_THAT(screen.status(2s), !ContainsSubstring("qwen3:8b"));
    CHECK_THAT(screen.status(2s), ContainsSubstring("loading 2.0 s"));
}

TEST_CASE("chain progress: nothing that a model says reaches the terminal raw", "[app][unit]") {
    auto screen = begun();
    screen.event(R"({"event": "warning", "text": "a\u001b[2Jb\nc"})");
    CHECK(screen.lines.back().find('\x1b') == std::string::npos);
    CHECK(screen.lines.back().find('\n') == std::string::npos);
    screen.event(
        R"({"event": "step_started", "step": "\u001b1", "kind": "prompt", "model": "\u001b[2J"})"
    );
    CHECK(screen.status().find('\x1b') == std::string::npos);
}

TEST_CASE("chain progress: a line is cut before it wraps", "[app][unit]") {
    auto screen = begun();
    CHECK(screen.status(1s, 20).size() <= 23);  // and an ellipsis
    screen.event(kLoading);
    screen.progress.on_plan(
        boost::json::parse(
            R"({"steps": [{"what": "ready", "model": "mistral-small:22b", "in_seconds": 10}]})"
        ),
        screen.now
    );
    std::string const text = "step 1/3  mistral-small:22b  loading 5.0 s of ~10.0 s  18.9 GiB";
    CHECK(screen.status(5s, 80) == text + "  [######.......]");
    CHECK(screen.status(5s, text.size() + 8) == text);
}

TEST_CASE("chain progress: what it does not know is passed over", "[app][unit]") {
    Screen screen;
    for (auto const* text :
         {"null",
          "[]",
          "7",
          R"({"event": 3})",
          R"({"event": "new"})",
          R"({"event": "token", "step": "9"})",
          R"({"event": "step_started", "step": null, "model": {}})",
          R"({"event": "model_loaded"})"}) {
        CAPTURE(text);
        screen.event(text);
        CHECK(screen.lines.empty());
    }
    screen.event(R"({"event": "step_finished"})");
    screen.progress.on_plan(
        boost::json::parse(R"({"steps": [null, {"what": "ready"}]})"), screen.now
    );
    CHECK(screen.status().size() < kWide);
}

TEST_CASE("line reader: pieces of any size give the same lines", "[app][unit]") {
    std::string const text = "one\n\nthree\nrest";
    auto const size = GENERATE(as<std::size_t>(), 1, 2, 5, 100);
    LineReader reader;
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size(); at += size) {
        reader.add(std::string_view(text).substr(at, size));
        while (auto const line = reader.next()) {
            lines.push_back(*line);
        }
    }
    CHECK(lines == std::vector<std::string>{"one", "", "three"});
    CHECK(reader.rest() == "rest");
}
