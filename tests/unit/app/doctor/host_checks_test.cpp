#include "app/doctor/checks.hpp"
#include "app/doctor/client_host.hpp"
#include "app/doctor/host.hpp"
#include "app/doctor/report.hpp"
#include "app/doctor/sockets.hpp"
#include "support/catch.hpp"

#include <boost/json/parse.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace plimsoll;
using namespace plimsoll::app;
using namespace plimsoll::app::doctor;

namespace fs = std::filesystem;

namespace {

constexpr char const* kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 0100007F:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   998        0 "
    "4711 1 0000000000000000 100 0 0 10 0\n"
    "   1: 00000000:2CAB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "4712 1 0000000000000000 100 0 0 10 0\n"
    "   2: 0100007F:C350 0100007F:2CAA 01 00000000:00000000 00:00000000 00000000  1000        0 "
    "4713 1 0000000000000000 100 0 0 10 0\n"
    "   3: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "4714 1 0000000000000000 100 0 0 10 0\n"
    "nonsense\n";
constexpr char const* kTcp6 =
    "   0: 00000000000000000000000001000000:2CAA 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000   998        0 4715 1 0000000000000000 100 0 0 10 0\n";

struct Folder {
    fs::path path;

    Folder() {
        std::string name = (fs::temp_directory_path() / "plimsoll-doctor-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }

    ~Folder() { fs::remove_all(path); }

    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    void write(fs::path const& file, std::string_view text) const {
        fs::create_directories((path / file).parent_path());
        std::ofstream(path / file, std::ios::binary) << text;
    }
};

Finding only(Findings const& all) {
    CAPTURE(render(all, {}));
    REQUIRE(all.size() == 1);
    return all[0];
}

}  // namespace

TEST_CASE("doctor: listeners and connections as the kernel writes them", "[app][unit]") {
    SocketTable table;
    parse_sockets(kTcp, {11434, 11435}, table);
    parse_sockets(kTcp6, {11434, 11435}, table);
    REQUIRE(table.listeners.size() == 3);
    CHECK(table.listeners[0].address == "127.0.0.1");
    CHECK(table.listeners[0].port == 11434);
    CHECK(table.listeners[0].uid == 998);
    CHECK(table.listeners[0].inode == 4711);
    CHECK(table.listeners[2].address == "::1");
    REQUIRE(table.connections.size() == 1);
    CHECK(table.connections[0].remote_port == 11434);

    CHECK(table.at("127.0.0.1", 11434)->inode == 4711);
    CHECK(table.at("::1", 11434)->inode == 4715);
    CHECK(table.at("127.0.0.1", 11435)->inode == 4712);  // it listens on all addresses
    CHECK(table.at("0.0.0.0", 11434) != nullptr);        // taken for one of them
    CHECK(table.at("127.0.0.1", 22) == nullptr);
}

TEST_CASE("doctor: owners of sockets, families and environments from /proc", "[app][unit]") {
    Folder const proc;
    proc.write("net/tcp", kTcp);
    proc.write("42/comm", "ollama\n");
    proc.write("42/status", "Name:\tollama\nPPid:\t1\nVmSwap:\t   2048 kB\n");
    proc.write("42/environ", std::string("OLLAMA_HOST=127.0.0.1:11434\0A=b=c\0broken\0", 42));
    proc.write("43/comm", "ollama\n");
    proc.write("43/status", "Name:\tollama\nPPid:\t42\nVmSwap:\t      0 kB\n");
    proc.write("44/status", "Name:\tsh\nPPid:\t1\n");
    fs::create_directories(proc.path / "42/fd");
    fs::create_symlink("socket:[4711]", proc.path / "42/fd/3");
    fs::create_symlink("/dev/null", proc.path / "42/fd/0");

    auto const table = read_sockets(proc.path, {11434});
    REQUIRE(table.at("127.0.0.1", 11434) != nullptr);
    CHECK(table.at("127.0.0.1", 11434)->pid == 42);
    CHECK(table.at("127.0.0.1", 11434)->command == "ollama");
    CHECK(family_of(proc.path, 42) == std::set{42, 43});
    auto const environment = read_environment(proc.path, 42);
    REQUIRE(environment.has_value());
    CHECK(environment->at("OLLAMA_HOST") == "127.0.0.1:11434");
    CHECK(environment->at("A") == "b=c");
    CHECK_FALSE(read_environment(proc.path, 44).has_value());
    CHECK_FALSE(read_sockets(proc.path / "none", {1}).problem.empty());

    proc.write("meminfo", "SwapTotal:    4096 kB\nSwapFree:     1024 kB\n");
    auto const host = look_at_host({.root = proc.path, .proc = proc.path}, {}, {42, 43});
    CHECK(host.swap_used == Bytes(3072 * 1024));
    CHECK(host.server_swap == mebibytes(2));
    CHECK_FALSE(host.has_systemd);
}

TEST_CASE("doctor: OLLAMA_HOST as clients read it", "[app][unit]") {
    auto const text = [](char const* value) { return to_string(parse_client_host(value)); };
    CHECK(text("") == "127.0.0.1:11434");
    CHECK(text("127.0.0.1:11435") == "127.0.0.1:11435");
    CHECK(text(" \"0.0.0.0\" ") == "0.0.0.0:11434");
    CHECK(text(":8080") == "127.0.0.1:8080");
    CHECK(text("http://gpu-box") == "gpu-box:80");
    CHECK(text("https://gpu-box/path") == "gpu-box:443");
    CHECK(text("http://gpu-box:11435/") == "gpu-box:11435");
    CHECK(text("[::1]:11434") == "[::1]:11434");
    CHECK(text("::1") == "[::1]:11434");
    CHECK(text("gpu-box:999999") == "gpu-box:11434");
}

TEST_CASE(
    "doctor: addresses that collide, reach past Plimsoll, or are open to all", "[app][unit]"
) {
    Facts facts;
    facts.config.config = config::parse("", "").value();
    UpstreamFacts upstream;
    upstream.name = "ollama";
    upstream.host = "127.0.0.1";
    upstream.port = 11434;  // nothing listens
    upstream.is_local = true;
    upstream.answer.connected = true;
    facts.upstreams = {upstream};

    SECTION("the same address for both") {
        facts.config.config.server.port = 11434;  // nothing listens
        CHECK_THAT(only(check_ports(facts)).fix, ContainsSubstring("takeover"));
    }
    SECTION("the port is taken by a program of another user") {
        facts.sockets.listeners = {{"0.0.0.0", 11435, 5, 33, {}, {}}};
        CHECK(only(check_ports(facts)).level == Level::Problem);
        CHECK_THAT(only(check_ports(facts)).text, ContainsSubstring("user 33"));
    }
    SECTION("listening for everybody") {
        facts.config.config.server.address = "0.0.0.0";
        CHECK_THAT(only(check_exposure(facts)).text, ContainsSubstring("without a key"));
        facts.config.config.access.is_closed = true;
        facts.config.config.tls.files = {"server.crt", "server.key"};
        CHECK(only(check_exposure(facts)).level == Level::Ok);
    }
    SECTION("the server listens for everybody") {
        facts.upstreams[0].process.listener = Listener{"::", 11434, 1, 0, 7, "ollama"};
        auto const found = only(check_exposure(facts));
        CHECK_THAT(found.text, ContainsSubstring("[::]:11434"));
        CHECK_THAT(found.fix, ContainsSubstring("OLLAMA_HOST=127.0.0.1:11434"));
    }
    SECTION("connected past it") {
        facts.sockets.connections = {
            {"127.0.0.1", "127.0.0.1", 50000, 11434, 1, 0, 9, "plimsoll"},
            {"127.0.0.1", "127.0.0.1", 11434, 50000, 2, 0, 7, "ollama"},
            {"127.0.0.1", "127.0.0.1", 50001, 11434, 3, 0, 70, "open-webui"},
            {"192.168.1.5", "192.168.1.9", 11434, 40000, 4, 0, 7, "ollama"},
        };
        auto const found = only(check_bypass(facts));
        CHECK_THAT(
            found.text, ContainsSubstring("now: open-webui (process 70), a client at 192.168.1.9")
        );
    }
    SECTION("clients of this shell") {
        facts.host.shell["OLLAMA_HOST"] = "localhost:11434";
        CHECK_THAT(
            only(check_clients(facts)).fix, ContainsSubstring("OLLAMA_HOST=127.0.0.1:11435")
        );
        facts.host.shell["OLLAMA_HOST"] = "127.0.0.1:11435";
        CHECK(only(check_clients(facts)).level == Level::Ok);
        facts.host.shell.clear();
        CHECK_THAT(only(check_clients(facts)).text, ContainsSubstring("takeover"));
        facts.host.login_ollama_host = "http://127.0.0.1:11434";
        CHECK_THAT(only(check_clients(facts)).text, ContainsSubstring("/etc/environment"));
    }
}

TEST_CASE("doctor: state file, disk, limits, clock and services", "[app][unit]") {
    Facts facts;
    facts.config.config = config::parse("", "").value();
    auto& state = facts.state;
    state.file.path = "/srv/state.db";
    state.folder.path = "/srv";
    state.folder.is_writable = true;
    SECTION("not there yet") {
        CHECK(only(check_state_file(facts)).level == Level::Ok);
    }
    SECTION("a folder that cannot be written") {
        state.folder.is_writable = false;
        state.folder.owner = "root";
        state.folder.mode = 0755;
        CHECK_THAT(only(check_state_file(facts)).text, ContainsSubstring("owner root, mode 755"));
    }
    SECTION("damaged") {
        state.file.exists = true;
        state.integrity = "file is not a database";
        CHECK(only(check_state_file(facts)).level == Level::Problem);
    }
    SECTION("written in the future") {
        state.file.exists = true;
        state.integrity = "ok";
        state.age = -7200;
        CHECK_THAT(only(check_state_file(facts)).text, ContainsSubstring("2 h"));
    }
    SECTION("a full disk") {
        state.free = mebibytes(10);
        CHECK(only(check_disk(facts)).level == Level::Problem);
        state.free = mebibytes(500);
        CHECK(only(check_disk(facts)).level == Level::Warning);
    }
    SECTION("few files") {
        facts.host.max_files = 1024;
        auto const found = only(check_file_limit(facts));
        CHECK_THAT(found.fix, ContainsSubstring("server.max_connections = 480"));
    }
    SECTION("the clock") {
        facts.host.wall_seconds = 1000;
        CHECK(only(check_clock(facts)).level == Level::Problem);
        facts.host.wall_seconds = 1'800'000'000;
        CHECK(only(check_clock(facts)).level == Level::Ok);
        facts.host.is_synchronised = false;
        CHECK(only(check_clock(facts)).level == Level::Warning);
    }
    SECTION("a configuration that the service may not read") {
        Unit unit;
        unit.load_state = "loaded";
        unit.has_dynamic_user = true;
        facts.host.plimsoll_unit = unit;
        FileFacts file;
        file.path = "/etc/plimsoll/plimsoll.toml";
        file.exists = file.is_readable = true;
        file.owner = "root";
        file.mode = 0600;
        facts.config_files = {file};
        CHECK(only(check_files(facts)).level == Level::Problem);
        facts.config_files[0].mode = 0644;
        CHECK(only(check_files(facts)).level == Level::Ok);
    }
    SECTION("services") {
        facts.host.has_systemd = true;
        CHECK(only(check_units(facts)).level == Level::Ok);
        facts.host.ollama_unit = parse_unit(
            "ollama.service",
            "LoadState=loaded\nActiveState=failed\nSubState=failed\nUnitFileState=enabled\n"
            "NRestarts=5\n"
        );
        auto const found = only(check_units(facts));
        CHECK(found.level == Level::Problem);
        CHECK_THAT(found.text, ContainsSubstring("restarted 5 times"));
        CHECK_THAT(found.fix, ContainsSubstring("journalctl -u ollama.service"));
    }
}

TEST_CASE("doctor: what a service keeps from this user is no problem", "[app][unit]") {
    Facts facts;
    facts.config.config = config::parse("", "").value();
    facts.state.file.path = "/var/lib/plimsoll/state.db";
    facts.state.is_hidden = true;
    CHECK(only(check_state_file(facts)).level == Level::Ok);
    CHECK_THAT(only(check_state_file(facts)).text, ContainsSubstring("as root"));

    facts.config.config.server.address = "unix:/run/plimsoll/plimsoll.sock";
    CHECK(only(check_ports(facts)).level == Level::Ok);
    CHECK(only(check_exposure(facts)).level == Level::Ok);
}

TEST_CASE("doctor: a damaged state file is found, a sound one is whole", "[app][unit]") {
    Folder const folder;
    folder.write("bad.db", std::string(8192, 'x'));
    folder.write("bad.db.aside-1", "old");
    auto const bad = look_at_state(folder.path / "bad.db");
    CHECK(bad.file.exists);
    CHECK(bad.integrity == "file is not a database");
    CHECK(bad.set_aside.size() == 1);
    auto const none = look_at_state(folder.path / "a/b/none.db");
    CHECK_FALSE(none.file.exists);
    CHECK(none.folder.path == folder.path);
    CHECK(none.folder.is_writable);
}

TEST_CASE("doctor: the report fits a terminal", "[app][unit]") {
    Findings const all = {warning("clock", "one two three four five six seven eight", "do it")};
    CHECK(render(all, {.columns = 60})
              .starts_with("warning clock           one two three four five six seven\n"
                           "                        eight\n"
                           "                        fix: do it\n"));
    CHECK(render(all, {.columns = 40})
              .starts_with("warning clock           one two three four five six seven eight\n"));
}

TEST_CASE("doctor: the report as text and as JSON", "[app][unit]") {
    Findings const all = {
        ok("config", "right"),
        warning("disk", "500 MiB free", "free some"),
        problem("upstream", "nothing \x1b[31manswers", "start it")
    };
    auto const text = render(all, {});
    CHECK_THAT(text, ContainsSubstring("warning disk            500 MiB free\n"));
    CHECK_THAT(text, ContainsSubstring("fix: free some\n"));
    CHECK_THAT(text, ContainsSubstring("1 problem, 1 warning, 1 checked and right\n"));
    CHECK_FALSE(text.contains('\x1b'));
    CHECK(exit_status(all) == 1);
    auto const json = boost::json::parse(to_json(all));
    CHECK(json.at("problems").as_int64() == 1);
    CHECK(json.at("findings").as_array().size() == 3);
    CHECK(json.at("findings").as_array()[0].at("fix").is_null());
    CHECK(json.at("findings").as_array()[2].at("level").as_string() == "problem");
}
