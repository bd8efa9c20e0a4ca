#include "app/takeover/record.hpp"
#include "support/catch.hpp"

#include "unit/app/takeover/fake_host.hpp"

using namespace plimsoll;
using namespace plimsoll::app;
using namespace plimsoll::app::takeover;
using plimsoll::app::takeover::test::Died;
using plimsoll::app::takeover::test::FakeHost;

namespace {

constexpr char const* kDropIn = "/etc/systemd/system/ollama.service.d/plimsoll.conf";

Plan plan_of(FakeHost& host, Wishes const& wishes = {}) {
    auto plan = make_plan(host, wishes);
    INFO((plan ? "" : plan.error().message));
    REQUIRE(plan.has_value());
    return std::move(*plan);
}

// What --undo does with what is on the disk.
Result<void> undo_from_disk(FakeHost& host) {
    auto const record = load_record(host);
    REQUIRE(record.has_value());
    return *record ? undo(host, **record) : Result<void>();
}

struct State {
    std::map<std::string, std::string> files;
    std::set<std::string> folders;
    std::map<std::string, Address> running;
    bool operator==(State const&) const = default;
};

State state_of(FakeHost const& host) {
    return {host.files, host.folders, host.running};
}

// How many acts a takeover without trouble takes.
std::size_t count_acts() {
    FakeHost host;
    auto const plan = plan_of(host);
    host.acts.clear();
    REQUIRE(perform(host, plan).has_value());
    return host.acts.size();
}

}  // namespace

TEST_CASE("takeover: Ollama goes behind, Plimsoll where it was, and back again", "[app][unit]") {
    FakeHost host;
    host.files[kDropIn] = "[Service]\n# by hand\n";
    host.folders.insert("/etc/systemd/system/ollama.service.d");
    auto const before = state_of(host);
    auto const plan = plan_of(host);
    REQUIRE(perform(host, plan).has_value());
    CHECK(host.running["ollama"] == Address{"127.0.0.1", 11433});
    CHECK(host.running["plimsoll"] == Address{"127.0.0.1", 11434});
    CHECK(host.upstream == "http://127.0.0.1:11433");
    auto const record = load_record(host);
    REQUIRE((record && *record));
    CHECK((*record)->is_done);
    CHECK(
        host.acts ==
        std::vector<std::string>{
            "write /etc/plimsoll/takeover.json",
            "write /etc/systemd/system/ollama.service.d/plimsoll.conf",
            "write /etc/systemd/system/plimsoll.service.d/takeover.conf",
            "daemon-reload",
            "stop plimsoll.service",
            "restart ollama.service",
            "wait 127.0.0.1:11433",
            "start plimsoll.service",
            "wait 127.0.0.1:11434",
            "write /etc/plimsoll/takeover.json",
        }
    );

    REQUIRE(undo_from_disk(host).has_value());
    CHECK(state_of(host) == before);
}

TEST_CASE("takeover: whichever step fails, everything is as it was", "[app][unit]") {
    auto const acts = count_acts();
    for (std::size_t step = 1; step <= acts; ++step) {
        FakeHost host;
        host.files[kDropIn] = "[Service]\nNice=5\n";
        host.folders.insert("/etc/systemd/system/ollama.service.d");
        auto const before = state_of(host);
        auto const plan = plan_of(host);
        host.acts.clear();
        host.fails_at = step;
        auto const done = perform(host, plan);
        CAPTURE(step, host.acts);
        REQUIRE_FALSE(done.has_value());
        CHECK_THAT(done.error().message, ContainsSubstring("made to fail"));
        CHECK(state_of(host) == before);
    }
}

TEST_CASE("takeover: wherever the program dies, --undo goes back", "[app][unit]") {
    auto const acts = count_acts();
    for (std::size_t step = 1; step <= acts; ++step) {
        for (bool const after : {false, true}) {
            FakeHost host;
            auto const before = state_of(host);
            auto const plan = plan_of(host);
            host.acts.clear();
            host.dies_at = step;
            host.dies_after = after;
            CHECK_THROWS_AS(perform(host, plan), Died);
            CAPTURE(step, after, host.acts);
            host.dies_at = 0;
            host.units[kOllamaUnit].environment.clear();
            auto const back = undo_from_disk(host);
            INFO((back ? "" : back.error().message));
            CHECK(back.has_value());
            CHECK(state_of(host) == before);
        }
    }
}

TEST_CASE("takeover: an undo that dies or fails in the middle can be tried again", "[app][unit]") {
    for (std::size_t step = 1; step <= 7; ++step) {
        for (bool const dies : {false, true}) {
            FakeHost host;
            auto const before = state_of(host);
            REQUIRE(perform(host, plan_of(host)).has_value());
            host.acts.clear();
            (dies ? host.dies_at : host.fails_at) = step;
            if (dies) {
                CHECK_THROWS_AS(undo_from_disk(host), Died);
            } else {
                CHECK_FALSE(undo_from_disk(host).has_value());
            }
            CAPTURE(step, dies, host.acts);
            host.dies_at = host.fails_at = 0;
            CHECK(undo_from_disk(host).has_value());
            CHECK(state_of(host) == before);
        }
    }
}

TEST_CASE("takeover: what others changed since is not undone", "[app][unit]") {
    FakeHost host;
    REQUIRE(perform(host, plan_of(host)).has_value());
    auto const taken = host.files;
    SECTION("changed") {
        host.files[kDropIn] += "Environment=OLLAMA_DEBUG=1\n";
        auto const now = state_of(host);
        auto const back = undo_from_disk(host);
        REQUIRE_FALSE(back.has_value());
        CHECK(back.error().code == Errc::Conflict);
        CHECK_THAT(
            back.error().message, ContainsSubstring(kDropIn) && ContainsSubstring("changed")
        );
        CHECK(state_of(host) == now);
    }
    SECTION("taken away, where nothing was before: that is what an undo wants") {
        host.files.erase(kDropIn);
        CHECK(undo_from_disk(host).has_value());
    }
    SECTION("a record that is none") {
        host.files[kRecordFile] = "{}";
        CHECK_FALSE(load_record(host).has_value());
    }
}

TEST_CASE("takeover: an address that was set is respected", "[app][unit]") {
    FakeHost host;
    auto& ollama = host.units[kOllamaUnit];
    SECTION("another port") {
        ollama.environment = {"OLLAMA_HOST=127.0.0.1:9999"};
        auto const plan = plan_of(host);
        CHECK(plan.plimsoll_now == Address{"127.0.0.1", 9999});
        CHECK(plan.ollama_now.port == 11433);
    }
    SECTION("open to other machines, which Plimsoll is not by itself") {
        ollama.environment = {"OLLAMA_HOST=0.0.0.0"};
        auto const plan = plan_of(host);
        CHECK(plan.plimsoll_now == Address{"127.0.0.1", 11434});
        REQUIRE(plan.notices.size() == 1);
        CHECK_THAT(plan.notices[0], ContainsSubstring("neither will be"));
    }
    SECTION("open to other machines, as Plimsoll is configured") {
        ollama.environment = {"OLLAMA_HOST=0.0.0.0"};
        CHECK(plan_of(host, {.may_be_exposed = true}).plimsoll_now == Address{"0.0.0.0", 11434});
    }
    SECTION("by an environment file, which no drop-in overrides") {
        ollama.environment_files = {"-/etc/default/ollama"};
        host.files["/etc/default/ollama"] = "OLLAMA_HOST=0.0.0.0\n";
        auto const plan = make_plan(host, {});
        REQUIRE_FALSE(plan.has_value());
        CHECK_THAT(plan.error().message, ContainsSubstring("/etc/default/ollama"));
    }
    SECTION("by a drop-in that is read later") {
        ollama.drop_ins = {
            "/etc/systemd/system/ollama.service.d/override.conf",
            "/etc/systemd/system/ollama.service.d/zz.conf"
        };
        host.files[ollama.drop_ins[0]] = "Environment=OLLAMA_HOST=0.0.0.0\n";
        CHECK(make_plan(host, {}).has_value());
        host.files[ollama.drop_ins[1]] = "Environment=OLLAMA_HOST=0.0.0.0\n";
        auto const plan = make_plan(host, {});
        REQUIRE_FALSE(plan.has_value());
        CHECK_THAT(plan.error().message, ContainsSubstring("zz.conf"));
    }
}

TEST_CASE("takeover: ports, units and sockets", "[app][unit]") {
    FakeHost host;
    SECTION("the next free port") {
        host.taken = {11433, 11432};
        CHECK(plan_of(host).ollama_now.port == 11431);
    }
    SECTION("the one that was named") {
        CHECK(plan_of(host, {.ollama_port = 8000}).ollama_now.port == 8000);
        host.taken = {8000};
        CHECK_FALSE(make_plan(host, {.ollama_port = 8000}).has_value());
    }
    SECTION("no unit of Ollama") {
        host.units.erase(kOllamaUnit);
        CHECK_THAT(make_plan(host, {}).error().message, ContainsSubstring("By hand:"));
    }
    SECTION("no unit of Plimsoll") {
        host.units.erase(kPlimsollUnit);
        CHECK_THAT(make_plan(host, {}).error().message, ContainsSubstring("Install its package"));
    }
    SECTION("an Ollama that does not run") {
        host.units[kOllamaUnit].active_state = "failed";
        CHECK_THAT(make_plan(host, {}).error().message, ContainsSubstring("systemctl start"));
    }
    SECTION("systemd listens for Plimsoll") {
        Unit socket;
        socket.load_state = "loaded";
        socket.active_state = "active";
        host.units[kPlimsollSocket] = socket;
        auto const plan = plan_of(host);
        REQUIRE(plan.files.size() == 3);
        CHECK_THAT(
            plan.files[2].text, ContainsSubstring("ListenStream=\nListenStream=127.0.0.1:11434")
        );
        CHECK(plan.plimsoll_units == std::vector<std::string>{kPlimsollSocket, kPlimsollUnit});
        CHECK(plan.active_before == plan.plimsoll_units);
    }
    SECTION("a unit that does not start at boot is told, unless its socket does") {
        CHECK(plan_of(host).notices.empty());
        host.units[kPlimsollUnit].file_state = "disabled";
        REQUIRE(plan_of(host).notices.size() == 1);
        CHECK_THAT(
            plan_of(host).notices[0], ContainsSubstring("systemctl enable plimsoll.service")
        );
        Unit socket;
        socket.load_state = "loaded";
        socket.file_state = "enabled";
        host.units[kPlimsollSocket] = socket;
        CHECK(plan_of(host).notices.empty());
    }
    SECTION("clients of Ollama speak no TLS") {
        auto const plan = make_plan(host, {.speaks_tls = true});
        REQUIRE_FALSE(plan.has_value());
        CHECK_THAT(plan.error().message, ContainsSubstring("server.tls_certificate"));
    }
    SECTION("clients will need keys") {
        CHECK_THAT(plan_of(host, {.wants_keys = true}).notices.at(0), ContainsSubstring("keys"));
    }
    SECTION("the control API is asked where it is") {
        CHECK(plan_of(host).control_url == "http://127.0.0.1:11434");
        auto const plan = plan_of(host, {.admin_url = "unix:/run/plimsoll/admin.sock"});
        CHECK(plan.control_url == "unix:/run/plimsoll/admin.sock");
        REQUIRE(perform(host, plan).has_value());
        CHECK(host.asked == "unix:/run/plimsoll/admin.sock");
    }
    SECTION("Plimsoll did not run before, and does not afterwards") {
        host.units[kPlimsollUnit].active_state = "inactive";
        host.running.erase("plimsoll");
        auto const before = state_of(host);
        REQUIRE(perform(host, plan_of(host)).has_value());
        REQUIRE(undo_from_disk(host).has_value());
        CHECK(state_of(host) == before);
    }
    SECTION("a flag in its unit keeps Plimsoll at another upstream") {
        auto const before = state_of(host);
        host.plimsoll_ignores_its_drop_in = true;
        auto const done = perform(host, plan_of(host));
        REQUIRE_FALSE(done.has_value());
        CHECK_THAT(done.error().message, ContainsSubstring("ExecStart="));
        CHECK(state_of(host) == before);
    }
}

TEST_CASE("takeover: a dry run names every file and command", "[app][unit]") {
    FakeHost host;
    CHECK(
        describe(plan_of(host)) ==
        "\nwrite /etc/systemd/system/ollama.service.d/plimsoll.conf\n"
        "    # Written by `plimsoll takeover`; `plimsoll takeover --undo` takes it back.\n"
        "    [Service]\n"
        "    Environment=\"OLLAMA_HOST=127.0.0.1:11433\"\n"
        "\nwrite /etc/systemd/system/plimsoll.service.d/takeover.conf\n"
        "    # Written by `plimsoll takeover`; `plimsoll takeover --undo` takes it back.\n"
        "    [Service]\n"
        "    Environment=\"PLIMSOLL_LISTEN=127.0.0.1:11434\"\n"
        "    Environment=\"PLIMSOLL_UPSTREAM=http://127.0.0.1:11433\"\n"
        "\nrun   systemctl daemon-reload\nrun   systemctl stop plimsoll.service\n"
        "run   systemctl restart ollama.service\n"
        "wait  until Ollama answers at 127.0.0.1:11433\n"
        "run   systemctl start plimsoll.service\n"
        "wait  until Plimsoll is ready at 127.0.0.1:11434, and a request goes through it to "
        "Ollama\n"
    );
}

TEST_CASE("takeover: words and values as systemd prints them", "[app][unit]") {
    CHECK(
        parse_unit_words("A=1 \"B=two words\" 'C=x' D=a\\ b") ==
        std::vector<std::string>{"A=1", "B=two words", "C=x", "D=a b"}
    );
    auto const unit = parse_unit(
        "ollama.service",
        "LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=42\nDynamicUser=no\n"
        "User=ollama\nEnvironment=PATH=/bin OLLAMA_HOST=0.0.0.0 OLLAMA_HOST=127.0.0.1:1\n"
        "EnvironmentFiles=/etc/default/ollama (ignore_errors=yes)\n"
        "DropInPaths=/etc/systemd/system/ollama.service.d/a.conf /run/b.conf\n"
    );
    CHECK(unit.exists());
    CHECK(unit.main_pid == 42);
    CHECK(unit.variable("OLLAMA_HOST") == "127.0.0.1:1");
    CHECK_FALSE(unit.variable("NONE").has_value());
    CHECK(unit.environment_files == std::vector<std::string>{"/etc/default/ollama"});
    CHECK(unit.drop_ins.size() == 2);
}
