// Real programs of the system.

#include "support/catch.hpp"

#include <plimsoll/net/child_process.hpp>

#include "component/net_fixture.hpp"
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

using namespace plimsoll;
using namespace plimsoll::net;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

struct Heard {
    std::vector<std::string> lines, error_lines;
    std::vector<std::size_t> long_lines;
    bool has_ended = false;

    ChildProcess::Listener listener() {
        return {
            .on_line = [this](std::string_view line) { lines.emplace_back(line); },
            .on_long_line = [this](std::size_t bytes) { long_lines.push_back(bytes); },
            .on_error_line = [this](std::string_view line) { error_lines.emplace_back(line); },
            .on_end = [this] { has_ended = true; },
        };
    }
};

ChildCommand plain(std::string program) {
    return {.program = std::move(program), .args = {}, .env = {}};
}

ChildCommand shell(std::string script) {
    return {
        .program = "/bin/sh", .args = {"-c", std::move(script)}, .env = {{"PATH", "/usr/bin:/bin"}}
    };
}

// "Z" of one that nobody has waited for; empty: there is none.
std::string state_of(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name, state;
    file >> number >> name >> state;
    return state;
}

bool is_running(int pid) {
    auto const state = state_of(pid);
    return !state.empty() && state != "Z" && state != "X";
}

std::size_t zombies() {
    std::size_t out = 0;
    std::ifstream file("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    int pid = 0;
    while (file >> pid) {
        out += state_of(pid) == "Z" ? 1U : 0U;
    }
    return out;
}

}  // namespace

TEST_CASE("child process: lines go in and come out, in order and whole", "[net][component]") {
    Loop loop;
    Heard heard;
    auto const child = ChildProcess::start(loop, plain("cat"), heard.listener());
    REQUIRE(child);
    std::string const large(300'000, 'x');
    (*child)->write_line("one");
    (*child)->write_line(large);
    (*child)->write_line("");
    REQUIRE(pump(loop, [&] { return heard.lines.size() == 3; }));
    CHECK(heard.lines == std::vector<std::string>{"one", large, ""});
    CHECK_FALSE(heard.has_ended);
}

TEST_CASE("child process: a line above the limit is told by its length alone", "[net][component]") {
    Loop loop;
    Heard heard;
    auto command = plain("cat");
    command.max_line = 100;
    auto const child = ChildProcess::start(loop, command, heard.listener());
    REQUIRE(child);
    (*child)->write_line(std::string(200'000, 'x'));
    (*child)->write_line("short");
    REQUIRE(pump(loop, [&] { return !heard.lines.empty(); }));
    CHECK(heard.long_lines == std::vector<std::size_t>{200'000});
    CHECK(heard.lines.front() == "short");
}

TEST_CASE("child process: it has the given environment and no other", "[net][component]") {
    Loop loop;
    Heard heard;
    auto const none = ChildProcess::start(loop, plain("env"), heard.listener());
    REQUIRE(none);
    REQUIRE(pump(loop, [&] { return heard.has_ended; }));
    CHECK(heard.lines.empty());
    Heard some;
    auto command = plain("env");
    command.env = {{"A", "1"}, {"B", "x=y z"}};
    auto const given = ChildProcess::start(loop, command, some.listener());
    REQUIRE(given);
    REQUIRE(pump(loop, [&] { return some.has_ended; }));
    std::ranges::sort(some.lines);
    CHECK(some.lines == std::vector<std::string>{"A=1", "B=x=y z"});
}

TEST_CASE("child process: it has none of our files", "[net][component]") {
    Loop loop;
    RawServer const server;
    Heard first;
    auto const other = ChildProcess::start(loop, plain("cat"), first.listener());
    REQUIRE(other);
    Heard heard;
    auto const child = ChildProcess::start(loop, shell("ls /proc/$$/fd; true"), heard.listener());
    REQUIRE(child);
    REQUIRE(pump(loop, [&] { return heard.has_ended; }));
    CHECK(heard.lines == std::vector<std::string>{"0", "1", "2"});
}

TEST_CASE("child process: signals are as a program expects them", "[net][component]") {
    auto const before = std::signal(SIGPIPE, SIG_IGN);  // as in the daemon
    Loop loop;
    Heard heard;
    auto const child = ChildProcess::start(
        loop, shell("grep -E '^Sig(Blk|Ign)' /proc/self/status"), heard.listener()
    );
    REQUIRE(child);
    REQUIRE(pump(loop, [&] { return heard.has_ended; }));
    std::signal(SIGPIPE, before);
    CHECK(
        heard.lines ==
        std::vector<std::string>{"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"}
    );
}

TEST_CASE(
    "child process: a program that cannot run is an error and leaves no zombie", "[net][component]"
) {
    Loop loop;
    for (auto const* const program : {"/no/such/program", "/etc/hostname", "/tmp"}) {
        Heard heard;
        auto const child = ChildProcess::start(loop, plain(program), heard.listener());
        REQUIRE_FALSE(child);
        CHECK(child.error().code == Errc::Io);
        CHECK_THAT(child.error().message, ContainsSubstring(program));
    }
    CHECK(zombies() == 0);
}

TEST_CASE(
    "child process: one that ends with its input is not waited for longer", "[net][component]"
) {
    Loop loop;
    Heard heard;
    auto const child = ChildProcess::start(loop, plain("cat"), heard.listener());
    REQUIRE(child);
    auto const pid = (*child)->pid();
    (*child)->stop(1h);
    REQUIRE(pump(loop, [&] { return state_of(pid).empty(); }));
    loop.run();  // nothing is left that would hold it
    CHECK_FALSE(heard.has_ended);
}

TEST_CASE("child process: what it started ends with it", "[net][component]") {
    Loop loop;
    Heard heard;
    // Neither looks at its input; the inner one holds the output.
    auto child = ChildProcess::start(loop, shell("sleep 600 & echo $!; wait"), heard.listener());
    REQUIRE(child);
    REQUIRE(pump(loop, [&] { return !heard.lines.empty(); }));
    auto const inner = std::stoi(heard.lines.front());
    auto const pid = (*child)->pid();
    CHECK(is_running(inner));
    SECTION("after its time is over") {
        (*child)->stop(50ms);
        REQUIRE(pump(loop, [&] { return state_of(pid).empty(); }));
    }
    SECTION("when its owner goes") {
        child->reset();
        REQUIRE(pump(loop, [&] { return state_of(pid).empty(); }));
    }
    CHECK(pump(loop, [&] { return !is_running(inner); }));
}

TEST_CASE("child process: what is written to standard error is told by lines", "[net][component]") {
    Loop loop;
    Heard heard;
    auto const child =
        ChildProcess::start(loop, shell("echo one >&2; echo two >&2; cat"), heard.listener());
    REQUIRE(child);
    REQUIRE(pump(loop, [&] { return heard.error_lines.size() == 2; }));
    CHECK(heard.error_lines == std::vector<std::string>{"one", "two"});
}
