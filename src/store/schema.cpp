#include "store/schema.hpp"

#include <cstdint>
#include <string>

namespace plimsoll::store {

namespace {

// "PLMS": tells our file from another program's database that somebody named by mistake.
constexpr std::uint64_t kApplicationId = 0x504c4d53;
constexpr std::uint64_t kVersion = 4;

// A step is keyed by its place and the number of the execution. Rows of run_steps stay in the order
// in which the steps ended, by their rowid.
constexpr char const* kRunTables = R"sql(
CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY, chain TEXT NOT NULL, document TEXT NOT NULL,
    input TEXT NOT NULL, vars TEXT NOT NULL, client TEXT NOT NULL, status TEXT NOT NULL,
    durable INTEGER NOT NULL, async INTEGER NOT NULL, started INTEGER NOT NULL,
    ended INTEGER NOT NULL, result TEXT NOT NULL) STRICT;
CREATE INDEX runs_by_start ON runs (started);
CREATE TABLE run_steps (
    run TEXT NOT NULL, key TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (run, key)) STRICT;
CREATE TABLE run_events (
    run TEXT NOT NULL, id INTEGER NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (run, id)) STRICT;
)sql";

constexpr char const* kSchema = R"sql(
BEGIN IMMEDIATE;
CREATE TABLE measurements (
    upstream TEXT NOT NULL, weights TEXT NOT NULL, settings TEXT NOT NULL,
    size INTEGER NOT NULL, size_vram INTEGER NOT NULL, charge INTEGER NOT NULL,
    load_ns INTEGER NOT NULL, unload_ns INTEGER NOT NULL, samples INTEGER NOT NULL,
    answer_ns INTEGER NOT NULL DEFAULT 0,
    server TEXT NOT NULL DEFAULT '', size_count INTEGER NOT NULL DEFAULT 0,
    size_agreeing INTEGER NOT NULL DEFAULT 0, size_mean REAL NOT NULL DEFAULT 0,
    size_squares REAL NOT NULL DEFAULT 0, size_largest REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (upstream, weights, settings)) STRICT;
CREATE TABLE calibrations (
    upstream TEXT NOT NULL, device TEXT NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL,
    mean REAL NOT NULL, squares REAL NOT NULL, largest REAL NOT NULL,
    PRIMARY KEY (upstream, device, what)) STRICT;
CREATE TABLE known_rows (
    upstream TEXT NOT NULL, weights TEXT NOT NULL, model TEXT NOT NULL,
    settings TEXT NOT NULL, charge INTEGER NOT NULL,
    PRIMARY KEY (upstream, weights)) STRICT;
)sql";

// Version 1 did not know how long answers take.
constexpr char const* kFromVersion1 = R"sql(
BEGIN IMMEDIATE;
ALTER TABLE measurements ADD COLUMN answer_ns INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 2;
COMMIT;
)sql";

// Version 2 did not count measured sizes.
constexpr char const* kFromVersion2 = R"sql(
BEGIN IMMEDIATE;
ALTER TABLE measurements ADD COLUMN server TEXT NOT NULL DEFAULT '';
ALTER TABLE measurements ADD COLUMN size_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE measurements ADD COLUMN size_agreeing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE measurements ADD COLUMN size_mean REAL NOT NULL DEFAULT 0;
ALTER TABLE measurements ADD COLUMN size_squares REAL NOT NULL DEFAULT 0;
ALTER TABLE measurements ADD COLUMN size_largest REAL NOT NULL DEFAULT 0;
CREATE TABLE calibrations (
    upstream TEXT NOT NULL, device TEXT NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL,
    mean REAL NOT NULL, squares REAL NOT NULL, largest REAL NOT NULL,
    PRIMARY KEY (upstream, device, what)) STRICT;
PRAGMA user_version = 3;
COMMIT;
)sql";

// Version 3 had no runs of chains.
std::string from_version_3() {
    return std::string("BEGIN IMMEDIATE;") + kRunTables + "PRAGMA user_version = 4; COMMIT;";
}

// What brings a file of that version to the next one; empty: there is no such version.
std::string step_from(std::uint64_t version) {
    switch (version) {
        case 1:
            return kFromVersion1;
        case 2:
            return kFromVersion2;
        case 3:
            return from_version_3();
        default:
            return {};
    }
}

}  // namespace

Result<void> prepare_schema(Database& database) {
    Result<std::uint64_t> const version = database.number("PRAGMA user_version");
    if (!version) {
        return fail(version.error());
    }
    Result<std::uint64_t> const application = database.number("PRAGMA application_id");
    if (!application) {
        return fail(application.error());
    }
    Result<std::uint64_t> const tables = database.number("SELECT count(*) FROM sqlite_schema");
    if (!tables) {
        return fail(tables.error());
    }
    if (*version == 0 && *application == 0 && *tables == 0) {
        return database.execute(
            std::string(kSchema) + kRunTables +
            "PRAGMA application_id = " + std::to_string(kApplicationId) +
            "; PRAGMA user_version = " + std::to_string(kVersion) + "; COMMIT;"
        );
    }
    if (*application != kApplicationId) {
        // Not Invalid: what belongs to somebody else is not moved out of the way.
        return fail(
            Errc::Conflict,
            "it is a database of another program; set state_file to a file of its own"
        );
    }
    if (*version < 1 || *version > kVersion) {
        return fail(
            Errc::Invalid,
            "its format is version " + std::to_string(*version) + ", this program reads version " +
                std::to_string(kVersion)
        );
    }
    for (std::uint64_t from = *version; from < kVersion; ++from) {
        Result<void> const brought_up = database.execute(step_from(from));
        if (!brought_up) {
            return fail(brought_up.error());
        }
    }
    Result<std::string> const pages = database.text("PRAGMA quick_check(1)");
    if (!pages) {
        return fail(pages.error());
    }
    if (*pages != "ok") {
        return fail(Errc::Invalid, "it is damaged: " + *pages);
    }
    return {};
}

}  // namespace plimsoll::store
