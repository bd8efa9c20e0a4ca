// Loads, the queue, evictions, out of memory and the wait without end.
#include "support/catch.hpp"

#include "unit/sim/scheduler_world.hpp"

namespace plimsoll::test {

TEST_CASE("sim loads: they are serial, and a loading model is in no list", "[sim][scheduler]") {
    SchedulerWorld world;
    auto const first = world.ask("llama3.1:8b");
    auto const second = world.ask("qwen2.5:7b");
    world.pass(1);
    CHECK(world.scheduler.is_loading());
    CHECK(world.rows().empty());
    world.pass(2);
    CHECK(first->is_granted());
    CHECK_FALSE(second->is_answered);
    CHECK(world.rows() == "llama3.1:8b");
    world.pass(3);
    CHECK(second->is_granted());
}

TEST_CASE("sim loads: time is bytes by bandwidth and a start", "[sim][scheduler]") {
    SchedulerWorld world;
    auto const file =
        static_cast<double>(SchedulerWorld::model("llama3.1:8b")->weights->file.count());
    auto const asked = world.ask("llama3.1:8b");
    world.pass(0.29 + file / 2e9);
    CHECK_FALSE(asked->is_answered);
    world.pass(0.02);
    CHECK(asked->is_granted());
}

TEST_CASE(
    "sim loads: the client that asked takes its load with it, the next starts from zero",
    "[sim][scheduler]"
) {
    SchedulerWorld world;
    auto const first = world.ask("llama3.1:8b");
    auto const second = world.ask("llama3.1:8b");
    world.pass(2.5);
    world.finish(*first);
    CHECK(world.books.count.aborted_loads == 1);
    CHECK_FALSE(second->is_answered);
    world.pass(2.5);
    CHECK_FALSE(second->is_answered);
    world.pass(1);
    CHECK(second->is_granted());
    CHECK_FALSE(first->is_answered);
    CHECK(world.books.count.loads == 1);
}

TEST_CASE("sim loads: an unload while loading is lost", "[sim][scheduler]") {
    SchedulerWorld world;
    auto const asked = world.ask("llama3.1:8b");
    world.pass(1);
    world.unload("llama3.1:8b");
    world.pass(3);
    REQUIRE(asked->is_granted());
    world.finish(*asked);
    world.pass(200);
    CHECK(world.rows() == "llama3.1:8b");
}

TEST_CASE(
    "sim loads: the queue is bounded, but not for models that are there", "[sim][scheduler]"
) {
    SchedulerWorld world;
    world.load("gemma2:9b");
    auto const loading = world.ask("llama3.1:8b");
    auto const waits = world.ask("qwen2.5:7b");
    auto const waits_too = world.ask("qwen3:8b");
    auto const refused = world.ask("phi3:mini");
    REQUIRE(refused->is_answered);
    CHECK(refused->grant.status == 503);
    CHECK(
        refused->grant.error == "server busy, please try again.  maximum pending requests exceeded"
    );
    for (int i = 0; i < 20; ++i) {
        CHECK(world.ask("gemma2:9b")->is_granted());
    }
    // A queued request whose client has gone is skipped.
    world.finish(*waits);
    world.pass(20);
    CHECK_FALSE(waits->is_answered);
    CHECK((loading->is_granted() && waits_too->is_granted()));
}

TEST_CASE(
    "sim loads: at the limit of models the idle one with the shortest keep-alive goes",
    "[sim][scheduler]"
) {
    SchedulerWorld world(gibibytes(80), 3);
    world.load("llama3.1:8b", R"({"keep_alive": -1})");
    world.load("qwen2.5:7b", R"({"keep_alive": "1h"})");
    world.load("gemma2:9b", R"({"keep_alive": "2h"})");
    auto const busy = world.ask("qwen2.5:7b");
    world.load("phi3:mini", R"({"keep_alive": "3h"})");
    CHECK(world.rows() == "llama3.1:8b phi3:mini qwen2.5:7b");
    CHECK(world.books.count.self_evictions == 1);
    world.finish(*busy);
}

TEST_CASE(
    "sim loads: its own estimate above 80 % of the free memory evicts, though the truth would fit",
    "[sim][scheduler]"
) {
    SchedulerWorld world(gibibytes(24));
    world.load("llama3.2:1b");
    // Believed: a full cache in every layer; in truth most layers look back 1024 tokens only.
    world.load("gemma3:27b", R"({"options": {"num_ctx": 16384}})");
    CHECK(world.books.count.self_evictions == 1);
    CHECK(world.books.count.out_of_memory == 0);
    CHECK(world.rows() == "gemma3:27b");
}

TEST_CASE(
    "sim loads: a victim that is used again with a keep_alive blocks every load", "[sim][scheduler]"
) {
    SchedulerWorld world(gibibytes(24), 1);
    world.load("llama3.1:8b", R"({"keep_alive": -1})");
    auto const busy = world.ask("llama3.1:8b");
    auto const blocked = world.ask("qwen2.5:7b");
    auto const touch = world.ask("llama3.1:8b", R"({"keep_alive": -1})");
    world.finish(*busy);
    world.finish(*touch);
    auto const third = world.ask("phi3:mini");
    world.pass(1e5);
    CHECK_FALSE(blocked->is_answered);
    CHECK_FALSE(third->is_answered);
    // Loaded models go on, and an explicit unload frees the loop.
    auto const served = world.ask("llama3.1:8b");
    CHECK(served->is_granted());
    world.finish(*served);
    world.unload("llama3.1:8b");
    world.pass(5);
    CHECK(blocked->is_granted());
}

TEST_CASE(
    "sim loads: a victim is evicted even if the client that wanted its place has gone",
    "[sim][scheduler]"
) {
    SchedulerWorld world(gibibytes(24), 1);
    world.load("llama3.1:8b");
    auto const busy = world.ask("llama3.1:8b");
    auto const gone = world.ask("qwen2.5:7b");
    world.finish(*gone);
    world.finish(*busy);
    world.pass(5);
    CHECK(world.rows().empty());
    CHECK(world.books.count.loads == 1);
}

TEST_CASE("sim memory: a load beyond the physical size fails and is counted", "[sim][scheduler]") {
    SchedulerWorld world(gibibytes(12));
    auto const asked = world.ask("gemma3:27b");
    world.pass(10);
    REQUIRE(asked->is_answered);
    CHECK(asked->grant.status == 500);
    CHECK_THAT(asked->grant.error, ContainsSubstring("out-of-memory"));
    CHECK(world.books.count.out_of_memory == 1);
    CHECK(world.books.vram.in_use().is_zero());
    CHECK(world.books.vram.peak() <= gibibytes(12));
    // Nothing stays behind.
    world.load("llama3.1:8b");
}

TEST_CASE(
    "sim memory: out of memory evicts all others once, then tries again", "[sim][scheduler]"
) {
    SchedulerWorld world(gibibytes(12));
    world.load("llama3.1:8b");
    // A partial num_gpu skips the estimate; the runner then finds the card too full.
    world.load("qwen3:8b", R"({"options": {"num_gpu": 36, "num_ctx": 32768}})");
    CHECK(world.books.count.out_of_memory == 1);
    CHECK(world.books.count.self_evictions == 1);
    CHECK(world.rows() == "qwen3:8b");
}

}  // namespace plimsoll::test
