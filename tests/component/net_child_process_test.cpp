#include "support/catch.hpp"

#include <plimsoll/net/child_process.hpp>

#include "net_fixture.hpp"
#include <signal.h>

#include <memory>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

struct Child {
    net::Loop loop;
    std::vector<std::string> lines, errors;
    std::vector<std::size_t> long_lines;
    int ends = 0;
    std::unique_ptr<net::ChildProcess> process;

    Result<void> start(net::ChildCommand const& command) {
        auto started = net::ChildProcess::start(
            loop,
            command,
            {.on_line = [this](std::string_view line) { lines.emplace_back(line); },
             .on_long_line = [this](std::size_t bytes) { long_lines.push_back(bytes); },
             .on_error_line = [this](std::string_view line) { errors.emplace_back(line); },
             .on_end = [this] { ++ends; }}
        );
        if (!started) {
            return fail(started.error());
        }
        process = std::move(*started);
        return {};
    }

    void shell(std::string const& script, std::size_t max_line = 1000) {
        REQUIRE(
            start({.program = "/bin/sh", .args = {"-c", script}, .env = {}, .max_line = max_line})
        );
    }

    bool wait(std::function<bool()> const& done) { return pump(loop, done); }

    // What reaps the process runs on the worker.
    void finish() {
        process.reset();
        loop.run();
    }
};

bool is_there(int pid) {
    return ::kill(pid, 0) == 0;
}

}  // namespace

TEST_CASE("child process: it is spoken to line by line", "[net][component]") {
    Child child;
    child.shell("while read line; do echo \"got $line\"; echo note >&2; done");
    child.process->write_line("one");
    child.process->write_line("two");
    REQUIRE(child.wait([&] { return child.lines.size() == 2 && child.errors.size() == 2; }));
    CHECK(child.lines == std::vector<std::string>{"got one", "got two"});
    CHECK(child.errors.front() == "note");
    child.finish();
}

TEST_CASE(
    "child process: it gets the configured environment and nothing else", "[net][component]"
) {
    Child child;
    REQUIRE(child.start({.program = "/usr/bin/env", .args = {}, .env = {{"ONLY", "this"}}}));
    REQUIRE(child.wait([&] { return child.ends == 1; }));
    CHECK(child.lines == std::vector<std::string>{"ONLY=this"});
    child.finish();
}

TEST_CASE("child process: a line that is too long is told of and left out", "[net][component]") {
    Child child;
    child.shell("head -c 5000 /dev/zero | tr '\\0' x; echo; echo short");
    REQUIRE(child.wait([&] { return !child.lines.empty(); }));
    CHECK(child.long_lines == std::vector<std::size_t>{5000});
    CHECK(child.lines == std::vector<std::string>{"short"});
    child.finish();
}

TEST_CASE("child process: its end is told once, and leaves no zombie", "[net][component]") {
    Child child;
    child.shell("exit 3");
    int const pid = child.process->pid();
    REQUIRE(child.wait([&] { return child.ends == 1; }));
    child.finish();
    CHECK(child.ends == 1);
    CHECK_FALSE(is_there(pid));
}

TEST_CASE("child process: one that does not listen is killed after its grace", "[net][component]") {
    Child child;
    child.shell("trap '' TERM; echo ready; while true; do sleep 1; done");
    REQUIRE(child.wait([&] { return !child.lines.empty(); }));
    int const pid = child.process->pid();
    child.process->stop(10ms);
    child.loop.run();
    CHECK_FALSE(is_there(pid));
    child.finish();
}

TEST_CASE("child process: what is not there is an error that names it", "[net][component]") {
    Child child;
    auto const missing =
        child.start({.program = "no-such-program-anywhere", .args = {}, .env = {}});
    REQUIRE_FALSE(missing.has_value());
    CHECK_THAT(missing.error().message, ContainsSubstring("no-such-program-anywhere"));
    auto const not_executable = child.start({.program = "/etc/passwd", .args = {}, .env = {}});
    REQUIRE_FALSE(not_executable.has_value());
    CHECK_THAT(not_executable.error().message, ContainsSubstring("/etc/passwd"));
}

TEST_CASE("child process: all that is written reaches one that reads slowly", "[net][component]") {
    Child child;
    child.shell("sleep 0.1; head -c 1000000 | wc -c");
    for (int i = 0; i < 100; ++i) {
        child.process->write_line(std::string(9999, 'x'));
    }
    REQUIRE(child.wait([&] { return !child.lines.empty(); }));
    CHECK(child.lines.front() == "1000000");
    child.finish();
}
