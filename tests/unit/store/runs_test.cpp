#include "support/catch.hpp"

#include <plimsoll/store/store.hpp>

#include "unit/store/folder.hpp"
#include <sqlite3.h>

using namespace plimsoll;
using store::Store;
using store::StoredEvent;
using store::StoredRun;
using store::StoredStep;

namespace {

StoredRun sample(std::string id, std::uint64_t started = 1000) {
    return {
        .id = std::move(id),
        .chain = "draft",
        .document = R"({"steps":[]})",
        .input = "a question",
        .vars = R"({"k":"v"})",
        .client = "127.0.0.1",
        .status = "running",
        .is_durable = true,
        .is_async = true,
        .started = started,
        .ended = 0,
        .result = "{}",
    };
}

StoredRun ended(std::string id, std::uint64_t started, std::uint64_t at) {
    auto run = sample(std::move(id), started);
    run.status = "succeeded";
    run.ended = at;
    return run;
}

std::vector<std::string> ids(Store& store, std::string const& status = "") {
    auto const runs = store.runs(status, 100);
    REQUIRE(runs.has_value());
    std::vector<std::string> out;
    for (auto const& run : *runs) {
        out.push_back(run.id);
    }
    return out;
}

}  // namespace

TEST_CASE("store: a run is there whole after closing and opening", "[store][unit]") {
    test::Folder const folder;
    auto const file = folder.path / "state.db";
    std::string warning;
    {
        auto store = Store::open(file, warning);
        REQUIRE(store.has_value());
        REQUIRE(store->save(sample("r1")).has_value());
        REQUIRE(store->save_step("r1", {"2#1", "two"}, {{7, "seven"}}).has_value());
        REQUIRE(store->save_step("r1", {"1#1", "one"}, {{8, "eight"}, {9, "nine"}}).has_value());
    }
    auto store = Store::open(file, warning);
    REQUIRE(store.has_value());
    auto const run = store->run("r1");
    REQUIRE(run.has_value());
    CHECK(run->chain == "draft");
    CHECK(run->document == R"({"steps":[]})");
    CHECK(run->input == "a question");
    CHECK(run->vars == R"({"k":"v"})");
    CHECK(run->client == "127.0.0.1");
    CHECK(run->is_durable);
    CHECK(run->is_async);
    CHECK(run->started == 1000);
    auto const steps = store->steps("r1");
    REQUIRE(steps.has_value());
    REQUIRE(steps->size() == 2);
    CHECK(steps->at(0).key == "2#1");  // as they ended
    CHECK(steps->at(1).record == "one");
    auto const events = store->events("r1", 7);
    REQUIRE(events.has_value());
    REQUIRE(events->size() == 2);
    CHECK(events->at(0).id == 8);
    CHECK(events->at(1).event == "nine");
}

TEST_CASE("store: an unknown run is an error that says so", "[store][unit]") {
    Store store = Store::in_memory();
    auto const run = store.run("nope");
    REQUIRE_FALSE(run.has_value());
    CHECK(run.error().code == Errc::NotFound);
    CHECK_THAT(run.error().message, ContainsSubstring("nope"));
}

TEST_CASE("store: runs are listed newest first, of one status where asked", "[store][unit]") {
    Store store = Store::in_memory();
    REQUIRE(store.save(sample("old", 1)).has_value());
    REQUIRE(store.save(ended("done", 2, 3)).has_value());
    REQUIRE(store.save(sample("new", 4)).has_value());
    CHECK(ids(store) == std::vector<std::string>{"new", "done", "old"});
    CHECK(ids(store, "running") == std::vector<std::string>{"new", "old"});
    auto const one = store.runs("", 1);
    REQUIRE(one.has_value());
    CHECK(one->size() == 1);
}

TEST_CASE(
    "store: old runs are deleted with all that was theirs, running ones stay", "[store][unit]"
) {
    Store store = Store::in_memory();
    REQUIRE(store.save(sample("running", 1)).has_value());
    REQUIRE(store.save(ended("first", 2, 20)).has_value());
    REQUIRE(store.save_step("first", {"1#1", "one"}, {{1, "event"}}).has_value());
    REQUIRE(store.save(ended("second", 3, 30)).has_value());
    REQUIRE(store.save(ended("third", 4, 40)).has_value());
    SECTION("beyond the newest") {
        REQUIRE(store.prune_runs(2, 0).has_value());
        CHECK(ids(store) == std::vector<std::string>{"third", "second", "running"});
        CHECK(store.steps("first")->empty());
        CHECK(store.events("first", 0)->empty());
    }
    SECTION("that ended too long ago") {
        REQUIRE(store.prune_runs(100, 35).has_value());
        CHECK(ids(store) == std::vector<std::string>{"third", "running"});
    }
}

TEST_CASE("store: a file of the version before gets the tables of runs", "[store][unit]") {
    test::Folder const folder;
    auto const file = folder.path / "state.db";
    std::string warning;
    REQUIRE(Store::open(file, warning).has_value());
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
    CHECK(
        sqlite3_exec(
            database,
            "DROP TABLE runs; DROP TABLE run_steps; DROP TABLE run_events; PRAGMA user_version = 3",
            nullptr,
            nullptr,
            nullptr
        ) == SQLITE_OK
    );
    sqlite3_close(database);
    auto store = Store::open(file, warning);
    REQUIRE(store.has_value());
    CHECK(warning.empty());
    CHECK(store->save(sample("r1")).has_value());
    CHECK(ids(*store) == std::vector<std::string>{"r1"});
}
