// The composition root on loopback with an upstream that is not there: it starts, reloads, drains
// and ends all the same.

#include "app/application.hpp"

#include "support/catch.hpp"

#include <plimsoll/log/log.hpp>
#include <plimsoll/trace/replay.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::app;

namespace {

// A developer's own PLIMSOLL_BUDGET must not decide what these tests see.
void forget_settings() {
    std::vector<std::string> names;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        std::string_view const text = *entry;
        if (text.starts_with("PLIMSOLL_") && !text.starts_with("PLIMSOLL_TEST_")) {
            names.emplace_back(text.substr(0, text.find('=')));
        }
    }
    for (auto const& name : names) {
        ::unsetenv(name.c_str());
    }
}

// A folder of its own for configuration and state, gone at the end.
class Folder {
  public:
    Folder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "plimsoll-app-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }

    ~Folder() { std::filesystem::remove_all(path_); }

    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    [[nodiscard]] std::filesystem::path operator/(char const* name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

class Daemon {
  public:
    explicit Daemon(std::string const& budget = "4GiB", std::string const& listen = "127.0.0.1:0") {
        forget_settings();
        log::capture_for_test([this](std::string_view line) { lines.emplace_back(line); });
        write(budget);
        options.config = folder / "plimsoll.toml";
        options.flags = {
            {"server.listen", listen},
            {"upstream.url", "http://127.0.0.1:1"},  // nothing listens there
            {"state_file", (folder / "state.db").string()},
        };
    }

    ~Daemon() { log::capture_for_test({}); }

    Daemon(Daemon const&) = delete;
    Daemon& operator=(Daemon const&) = delete;

    void write(std::string const& budget) {
        std::ofstream(folder / "plimsoll.toml") << "[[upstream]]\nbudget = \"" << budget << "\"\n";
    }

    std::unique_ptr<Application> make(net::Loop& loop) {
        auto loaded = load_config(options.config, options.flags);
        if (!loaded) {
            FAIL(to_string(loaded.error().front()));
        }
        return std::make_unique<Application>(loop, options, std::move(loaded->config));
    }

    [[nodiscard]] bool has_said(std::string const& part) const {
        return std::ranges::any_of(lines, [&](auto const& line) {
            return line.find(part) != std::string::npos;
        });
    }

    Folder folder;
    ServeOptions options;
    std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("application: records from the first event to the end", "[app][component]") {
    Daemon daemon;
    daemon.options.flags.emplace_back("record", (daemon.folder / "day.rec").string());
    net::Loop loop;
    auto const application = daemon.make(loop);
    REQUIRE(application->start());
    loop.spawn("drain", application->drain());
    loop.run();
    std::ifstream in(daemon.folder / "day.rec");
    auto reader = trace::RecordingReader::open(in);
    REQUIRE(reader);
    REQUIRE(reader->header().pools.size() == 1);
    CHECK(reader->header().pools.front().name == "ollama");
    CHECK(reader->header().pools.front().config.budget == gibibytes(4));
    trace::Replay replay(reader->header());
    auto step = reader->next();
    REQUIRE((step && *step));
    CHECK(trace::kind_of((*step)->event) == "down");
    for (; step && *step; step = reader->next()) {
        replay.play(**step, reader->line());
    }
    CHECK(step);
    CHECK(reader->missing_end().empty());
    CHECK_FALSE(replay.difference());
}

TEST_CASE("application: a recording that cannot be made is an error", "[app][component]") {
    Daemon daemon;
    daemon.options.flags.emplace_back("record", (daemon.folder / "no/day.rec").string());
    net::Loop loop;
    auto const application = daemon.make(loop);
    auto const started = application->start();
    REQUIRE_FALSE(started);
    CHECK_THAT(started.error().message, ContainsSubstring("cannot record to "));
}

TEST_CASE(
    "application: starts without its upstream, says where it listens, drains and ends",
    "[app][component]"
) {
    Daemon daemon;
    net::Loop loop;
    auto const application = daemon.make(loop);
    REQUIRE(application->start());
    auto const line = application->listening_line();
    CHECK_THAT(line, ContainsSubstring("Plimsoll listens on http://127.0.0.1:"));
    CHECK_THAT(line, ContainsSubstring("in front of http://127.0.0.1:1 (budget 4 GiB)"));
    CHECK_THAT(line, !ContainsSubstring(":0 "));
    loop.spawn("drain", application->drain());
    loop.run();  // returns only if nothing was left behind
    CHECK(daemon.has_said("Ended"));
}

TEST_CASE("application: an address in use is one sentence that names it", "[app][component]") {
    Daemon first;
    net::Loop loop;
    auto const running = first.make(loop);
    REQUIRE(running->start());
    auto const line = running->listening_line();
    auto const begin = line.find("127.0.0.1:");
    auto const address = line.substr(begin, line.find(' ', begin) - begin);

    Daemon second("4GiB", address);
    net::Loop other;
    auto const started = second.make(other)->start();
    REQUIRE_FALSE(started);
    CHECK_THAT(started.error().message, ContainsSubstring(address.substr(address.find(':') + 1)));
    CHECK_THAT(started.error().message, ContainsSubstring("in use"));
    loop.spawn("drain", running->drain());
    loop.run();
}

TEST_CASE(
    "application: a reload changes the budget; a bad file changes nothing and is named",
    "[app][component]"
) {
    Daemon daemon;
    net::Loop loop;
    auto const application = daemon.make(loop);
    REQUIRE(application->start());

    daemon.write("6GiB");
    application->reload();
    CHECK_THAT(application->listening_line(), ContainsSubstring("budget 6 GiB"));
    CHECK(daemon.has_said("Configuration reloaded"));

    daemon.write("much");
    application->reload();
    CHECK_THAT(application->listening_line(), ContainsSubstring("budget 6 GiB"));
    CHECK(daemon.has_said("plimsoll.toml"));
    CHECK(daemon.has_said("the old one stays in force"));

    loop.spawn("drain", application->drain());
    loop.run();
}

TEST_CASE(
    "application: what needs a restart is named and keeps its running value", "[app][component]"
) {
    Daemon daemon;
    net::Loop loop;
    auto const application = daemon.make(loop);
    REQUIRE(application->start());
    auto const before = application->listening_line();
    std::ofstream(daemon.folder / "plimsoll.toml", std::ios::app) << "timeout = \"7s\"\n";
    application->reload();
    CHECK(daemon.has_said("needs a restart"));
    CHECK(application->listening_line() == before);
    loop.spawn("drain", application->drain());
    loop.run();
}

TEST_CASE("application: no place for state is a warning, no failure", "[app][component]") {
    Daemon daemon;
    daemon.options.flags.back().second = "/proc/nowhere/state.db";
    net::Loop loop;
    auto const application = daemon.make(loop);
    REQUIRE(application->start());
    CHECK(daemon.has_said("State file"));
    loop.spawn("drain", application->drain());
    loop.run();
}
