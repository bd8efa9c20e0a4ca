#include "support/catch.hpp"

#include <plimsoll/store/store.hpp>

#include "unit/store/folder.hpp"
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using namespace plimsoll;
using namespace std::chrono_literals;
using store::KnownRow;
using store::Measurement;
using store::Store;

namespace {

Measurement sample(std::string settings = "pinned ctx=8192 batch=512") {
    Measurement m;
    m.upstream = "ollama";
    m.weights = "sha256-abc";
    m.settings = std::move(settings);
    m.size = gibibytes(4);
    m.size_vram = gibibytes(3);
    m.charge = Bytes(gibibytes(5).count() + 1);
    m.load_time = 2340ms;
    m.unload_time = 15ms;
    m.answer_time = 7s;
    m.samples = 3;
    return m;
}

Store open(std::filesystem::path const& file) {
    std::string warning;
    Result<Store> opened = Store::open(file, warning);
    INFO((opened ? std::string() : opened.error().message));
    REQUIRE(opened.has_value());
    CHECK(warning.empty());
    return std::move(*opened);
}

}  // namespace

TEST_CASE("store: what was saved is there after closing and opening", "[store][unit]") {
    test::Folder const folder;
    std::filesystem::path const file = folder.path / "new" / "folder" / "state.db";
    {
        Store store = open(file);
        REQUIRE(store.save(sample()).has_value());
        REQUIRE(store.save(KnownRow{"ollama", "sha256-abc", "gemma3:4b", "bare", gibibytes(5)})
                    .has_value());
    }
    Store store = open(file);
    Result<std::vector<Measurement>> const measured = store.measurements();
    REQUIRE(measured.has_value());
    REQUIRE(measured->size() == 1);
    Measurement const& m = measured->front();
    CHECK(m.upstream == "ollama");
    CHECK(m.weights == "sha256-abc");
    CHECK(m.settings == "pinned ctx=8192 batch=512");
    CHECK(m.size == gibibytes(4));
    CHECK(m.size_vram == gibibytes(3));
    CHECK(m.charge.count() == gibibytes(5).count() + 1);
    CHECK(m.load_time == 2340ms);
    CHECK(m.unload_time == 15ms);
    CHECK(m.samples == 3);
    Result<std::vector<KnownRow>> const rows = store.known_rows();
    REQUIRE(rows.has_value());
    REQUIRE(rows->size() == 1);
    CHECK(rows->front().model == "gemma3:4b");
    CHECK(rows->front().settings == "bare");
    CHECK(rows->front().charge == gibibytes(5));
}

TEST_CASE("store: saving the same settings again replaces, other settings add", "[store][unit]") {
    Store store = Store::in_memory();
    REQUIRE(store.save(sample()).has_value());
    Measurement larger = sample();
    larger.charge = gibibytes(6);
    REQUIRE(store.save(larger).has_value());
    REQUIRE(store.save(sample("bare")).has_value());
    Result<std::vector<Measurement>> const measured = store.measurements();
    REQUIRE(measured.has_value());
    REQUIRE(measured->size() == 2);
    CHECK((*measured)[0].settings == "bare");
    CHECK((*measured)[1].charge == gibibytes(6));
}

TEST_CASE("store: a forgotten row is gone and the others stay", "[store][unit]") {
    Store store = Store::in_memory();
    REQUIRE(store.save(KnownRow{"one", "w", "a", "bare", Bytes(1)}).has_value());
    REQUIRE(store.save(KnownRow{"two", "w", "a", "bare", Bytes(1)}).has_value());
    REQUIRE(store.forget_row("one", "w").has_value());
    REQUIRE(store.forget_row("one", "absent").has_value());
    Result<std::vector<KnownRow>> const rows = store.known_rows();
    REQUIRE(rows.has_value());
    REQUIRE(rows->size() == 1);
    CHECK(rows->front().upstream == "two");
}

TEST_CASE("store: hostile names and impossible numbers are kept as data", "[store][unit]") {
    Store store = Store::in_memory();
    Measurement m = sample("'; DROP TABLE measurements; --");
    m.weights = std::string("nul\0inside", 10);
    m.upstream = "";
    m.charge = Bytes(UINT64_MAX);
    m.load_time = -5s;
    REQUIRE(store.save(m).has_value());
    Result<std::vector<Measurement>> const measured = store.measurements();
    REQUIRE(measured.has_value());
    REQUIRE(measured->size() == 1);
    CHECK(measured->front().weights == m.weights);
    CHECK(measured->front().charge.count() == static_cast<std::uint64_t>(INT64_MAX));
    CHECK(measured->front().load_time == 0s);
}

TEST_CASE("store: the number of measurements is bounded, the oldest go first", "[store][unit]") {
    Store store = Store::in_memory();
    REQUIRE(store.save(sample("rarely used, but again just now")).has_value());
    for (int i = 0; i < 10'000; ++i) {
        if (i == 9'000) {
            REQUIRE(store.save(sample("rarely used, but again just now")).has_value());
        }
        REQUIRE(store.save(sample("ctx=" + std::to_string(i))).has_value());
    }
    Result<std::vector<Measurement>> const measured = store.measurements();
    REQUIRE(measured.has_value());
    CHECK(measured->size() == 10'000);
    CHECK(std::ranges::count(*measured, "ctx=0", &Measurement::settings) == 0);
    CHECK(
        std::ranges::count(*measured, "rarely used, but again just now", &Measurement::settings) ==
        1
    );
}

TEST_CASE("store: what was saved survives a killed process", "[store][unit]") {
    test::Folder const folder;
    std::filesystem::path const file = folder.path / "state.db";
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::string warning;
        Result<Store> store = Store::open(file, warning);
        if (store && store->save(sample())) {
            ::kill(::getpid(), SIGKILL);
        }
        ::_exit(1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    Store store = open(file);
    Result<std::vector<Measurement>> const measured = store.measurements();
    REQUIRE(measured.has_value());
    CHECK(measured->size() == 1);
}

TEST_CASE("store: calibrations are kept by upstream, device and kind", "[store][unit]") {
    Store store = Store::in_memory();
    store::Calibration one{
        .upstream = "a",
        .device = "nvidia:1",
        .what = "listed",
        .count = 3,
        .mean = 1.01,
        .squares = 0.5,
        .largest = 1.02
    };
    REQUIRE(store.save(one).has_value());
    one.count = 4;
    REQUIRE(store.save(one).has_value());
    one.what = "process";
    REQUIRE(store.save(one).has_value());
    auto const all = store.calibrations();
    REQUIRE(all.has_value());
    REQUIRE(all->size() == 2);
    CHECK(all->at(0).what == "listed");
    CHECK(all->at(0).count == 4);
    CHECK(all->at(0).mean == 1.01);
    CHECK(all->at(0).squares == 0.5);
    CHECK(all->at(0).largest == 1.02);
    CHECK(all->at(1).device == "nvidia:1");
}

TEST_CASE("store: what is known of sizes survives", "[store][unit]") {
    Store store = Store::in_memory();
    store::Measurement one;
    one.upstream = one.weights = one.settings = "x";
    one.server = "version=1";
    one.size_count = 5;
    one.size_agreeing = 4;
    one.size_mean = 1e10;
    one.size_squares = 2.5;
    one.size_largest = 1.1e10;
    REQUIRE(store.save(one).has_value());
    auto const read = store.measurements()->front();
    CHECK(read.server == "version=1");
    CHECK(read.size_count == 5);
    CHECK(read.size_agreeing == 4);
    CHECK(read.size_mean == 1e10);
    CHECK(read.size_squares == 2.5);
    CHECK(read.size_largest == 1.1e10);
}
