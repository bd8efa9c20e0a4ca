#include "support/catch.hpp"

#include <plimsoll/store/store.hpp>

#include "unit/store/folder.hpp"
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

using namespace plimsoll;
using store::Measurement;
using store::Store;

namespace fs = std::filesystem;

namespace {

void write_file(fs::path const& file, std::string const& content) {
    std::ofstream(file, std::ios::binary) << content;
}

void run_sql(fs::path const& file, std::string const& sql) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
    CHECK(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(database);
}

Measurement sample(int n) {
    Measurement m;
    m.upstream = "ollama";
    m.weights = std::string(4096, 'w');
    m.settings = "ctx=" + std::to_string(n);
    return m;
}

// Opens a file that must be set aside, and checks that a working store came of it.
std::string open_set_aside(fs::path const& file) {
    std::string warning;
    Result<Store> store = Store::open(file, warning);
    INFO((store ? std::string() : store.error().message));
    REQUIRE(store.has_value());
    REQUIRE(store->save(sample(1)).has_value());
    Result<std::vector<Measurement>> const rows = store->measurements();
    REQUIRE(rows.has_value());
    CHECK(rows->size() == 1);
    return warning;
}

}  // namespace

TEST_CASE("store: a file that is no database is set aside with its content", "[store][unit]") {
    test::Folder const folder;
    fs::path const file = folder.path / "state.db";
    write_file(file, std::string(5000, 'x'));
    std::string const warning = open_set_aside(file);
    CHECK_THAT(warning, ContainsSubstring("was set aside as " + file.string() + ".aside-1"));
    CHECK_THAT(warning, ContainsSubstring("file is not a database"));
    CHECK(fs::file_size(file.string() + ".aside-1") == 5000);
}

TEST_CASE("store: a second broken file does not overwrite the first", "[store][unit]") {
    test::Folder const folder;
    fs::path const file = folder.path / "state.db";
    write_file(file, "first");
    open_set_aside(file);
    write_file(file, "second");
    fs::remove(file.string() + "-wal");
    open_set_aside(file);
    CHECK(fs::file_size(file.string() + ".aside-1") == 5);
    CHECK(fs::file_size(file.string() + ".aside-2") == 6);
}

TEST_CASE("store: a damaged database is set aside, its log with it", "[store][unit]") {
    test::Folder const folder;
    fs::path const file = folder.path / "state.db";
    {
        std::string warning;
        Result<Store> store = Store::open(file, warning);
        REQUIRE(store.has_value());
        for (int i = 0; i < 50; ++i) {
            REQUIRE(store->save(sample(i)).has_value());
        }
    }
    std::fstream damaged(file, std::ios::binary | std::ios::in | std::ios::out);
    damaged.seekp(4096);
    damaged << std::string(20'000, '\xee');
    damaged.close();
    write_file(file.string() + "-wal", "not a log");
    std::string const warning = open_set_aside(file);
    CHECK_THAT(warning, ContainsSubstring("was set aside"));
}

TEST_CASE("store: a file of a newer version is set aside whole", "[store][unit]") {
    test::Folder const folder;
    fs::path const file = folder.path / "state.db";
    {
        std::string warning;
        REQUIRE(Store::open(file, warning).has_value());
    }
    run_sql(file, "PRAGMA user_version = 7");
    std::string const warning = open_set_aside(file);
    CHECK_THAT(warning, ContainsSubstring("its format is version 7, this program reads version 4"));
    CHECK(fs::exists(file.string() + ".aside-1"));
}

TEST_CASE("store: a file of an older version is brought up, with what it knew", "[store][unit]") {
    bool const is_first = GENERATE(true, false);
    test::Folder const folder;
    fs::path const file = folder.path / "state.db";
    std::string warning;
    {
        Result<Store> store = Store::open(file, warning);
        REQUIRE(store.has_value());
        REQUIRE(store->save(sample(1)).has_value());
    }
    run_sql(file, "DROP TABLE runs; DROP TABLE run_steps; DROP TABLE run_events");
    run_sql(file, "DROP TABLE calibrations; PRAGMA user_version = 2");
    for (std::string const column :
         {"server", "size_count", "size_agreeing", "size_mean", "size_squares", "size_largest"}) {
        run_sql(file, "ALTER TABLE measurements DROP COLUMN " + column);
    }
    if (is_first) {
        run_sql(file, "ALTER TABLE measurements DROP COLUMN answer_ns; PRAGMA user_version = 1");
    }
    Result<Store> store = Store::open(file, warning);
    REQUIRE(store.has_value());
    CHECK(warning.empty());
    auto const measured = store->measurements();
    REQUIRE(measured.has_value());
    REQUIRE(measured->size() == 1);
    CHECK(measured->front().load_time == sample(1).load_time);
    CHECK(measured->front().size_count == 0);
    CHECK(store->calibrations()->empty());
}

TEST_CASE("store: tables that are not ours under our mark are set aside", "[store][unit]") {
    test::Folder const folder;
    fs::path const file = folder.path / "state.db";
    {
        std::string warning;
        REQUIRE(Store::open(file, warning).has_value());
    }
    run_sql(file, "DROP TABLE known_rows");
    CHECK_THAT(open_set_aside(file), ContainsSubstring("no such table: known_rows"));
}

TEST_CASE("store: another program's database is left alone", "[store][unit]") {
    test::Folder const folder;
    fs::path const file = folder.path / "theirs.db";
    run_sql(file, "CREATE TABLE accounts (id INTEGER)");
    std::string warning;
    Result<Store> const store = Store::open(file, warning);
    REQUIRE_FALSE(store.has_value());
    CHECK_THAT(
        store.error().message, ContainsSubstring("database of another program; set state_file to")
    );
    CHECK(fs::exists(file));
    run_sql(file, "SELECT id FROM accounts");
}

TEST_CASE("store: an empty file becomes a store", "[store][unit]") {
    test::Folder const folder;
    fs::path const file = folder.path / "state.db";
    write_file(file, "");
    CHECK(open_set_aside(file).empty());
}

TEST_CASE("store: where no file can be had the error names the place", "[store][unit]") {
    test::Folder const folder;
    write_file(folder.path / "plain", "x");
    REQUIRE(::mkfifo((folder.path / "pipe").c_str(), 0600) == 0);
    // /proc: nobody can make a file or folder there. A folder and a pipe are no files, and opening
    // a pipe would wait for ever. The last has a file where its folder should be.
    std::string const place = GENERATE(
        as<std::string>(),
        "/proc/plimsoll/state.db",
        "/proc/state.db",
        ".",
        "pipe",
        "plain/state.db"
    );
    fs::path const file = folder.path / place;  // an absolute path stays what it is
    CAPTURE(file);
    std::string warning;
    Result<Store> const store = Store::open(file, warning);
    REQUIRE_FALSE(store.has_value());
    CHECK(store.error().code == Errc::Io);
    CHECK_THAT(store.error().message, ContainsSubstring("state file " + file.string()));
}

TEST_CASE("store: a full disk is an error of the one call and the store goes on", "[store][unit]") {
    test::Folder const folder;
    fs::path const file = folder.path / "state.db";
    std::string warning;
    Result<Store> store = Store::open(file, warning);
    REQUIRE(store.has_value());
    REQUIRE(store->save(sample(0)).has_value());

    // A limit on file sizes fails writes as a full disk does.
    auto* const before = std::signal(SIGXFSZ, SIG_IGN);
    rlimit saved{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &saved) == 0);
    rlimit tight = saved;
    tight.rlim_cur = 64 * 1024;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
    bool failed = false;
    std::string message;
    for (int i = 1; i < 100 && !failed; ++i) {
        Result<void> const saved_row = store->save(sample(i));
        failed = !saved_row;
        message = saved_row ? std::string() : saved_row.error().message;
    }
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &saved) == 0);
    std::signal(SIGXFSZ, before);

    CHECK(failed);
    CHECK_THAT(message, ContainsSubstring("saving a measured size of"));
    REQUIRE(store->save(sample(1000)).has_value());
    Result<std::vector<Measurement>> const rows = store->measurements();
    REQUIRE(rows.has_value());
    CHECK(rows->front().settings == "ctx=0");
}
