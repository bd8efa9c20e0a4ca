// keep_alive, unloads, reloads and slots of the simulated scheduler.
#include "support/catch.hpp"

#include "unit/sim/scheduler_world.hpp"

namespace plimsoll::test {

TEST_CASE(
    "sim scheduler: an idle model is unloaded at once, and its memory with its row",
    "[sim][scheduler]"
) {
    SchedulerWorld world;
    world.load("llama3.1:8b");
    CHECK(world.books.vram.in_use() > gibibytes(4));
    world.unload("llama3.1:8b");
    CHECK(world.scheduler.kill_ends().has_value());
    world.pass(0.1);
    CHECK(world.rows().empty());
    CHECK(world.books.vram.in_use().is_zero());
    CHECK(world.books.count.unloads == 1);
}

TEST_CASE("sim scheduler: a busy model stays until its last request ends", "[sim][scheduler]") {
    SchedulerWorld world;
    world.load("llama3.1:8b");
    auto const busy = world.ask("llama3.1:8b");
    world.unload("llama3.1:8b");
    world.pass(100);
    CHECK(world.rows() == "llama3.1:8b");
    CHECK(world.scheduler.rows().front().expires < world.now);

    SECTION("and then goes") {
        world.finish(*busy);
        world.pass(1);
        CHECK(world.rows().empty());
    }
    SECTION("a request with a keep_alive cancels the unload") {
        auto const second = world.ask("llama3.1:8b", R"({"keep_alive": "10m"})");
        world.finish(*busy);
        world.finish(*second);
        world.pass(100);
        CHECK(world.rows() == "llama3.1:8b");
    }
    SECTION("a request without one only postpones it") {
        auto const second = world.ask("llama3.1:8b");
        world.finish(*busy);
        world.pass(1);
        CHECK(world.rows() == "llama3.1:8b");
        world.finish(*second);
        world.pass(1);
        CHECK(world.rows().empty());
    }
}

TEST_CASE(
    "sim scheduler: keep_alive is sticky and its countdown starts after the last request",
    "[sim][scheduler]"
) {
    SchedulerWorld world;
    world.load("llama3.1:8b", R"({"keep_alive": "1m"})");
    world.pass(50);
    auto const again = world.ask("llama3.1:8b");
    world.pass(100);
    world.finish(*again);
    world.pass(59);
    CHECK(world.rows() == "llama3.1:8b");
    world.pass(2);
    CHECK(world.rows().empty());
}

TEST_CASE(
    "sim scheduler: without a keep_alive a model stays five minutes, with a negative one for ever",
    "[sim][scheduler]"
) {
    SchedulerWorld world;
    world.load("llama3.1:8b");
    world.pass(299);
    CHECK(world.rows() == "llama3.1:8b");
    world.pass(2);
    CHECK(world.rows().empty());
    world.load("llama3.1:8b", R"({"keep_alive": -1})");
    world.pass(1e6);
    CHECK(world.rows() == "llama3.1:8b");
    CHECK_FALSE(world.scheduler.rows().front().expires.has_value());
}

TEST_CASE(
    "sim scheduler: another num_ctx reloads in place, after the running requests",
    "[sim][scheduler]"
) {
    SchedulerWorld world;
    world.load("llama3.1:8b");
    auto const busy = world.ask("llama3.1:8b");
    auto const wide = world.ask("llama3.1:8b", R"({"options": {"num_ctx": 8192}})");
    world.pass(30);
    CHECK_FALSE(wide->is_answered);
    world.finish(*busy);
    world.pass(30);
    REQUIRE(wide->is_granted());
    CHECK(world.scheduler.rows().front().num_ctx == 8192);
    CHECK(world.books.count.reloads == 1);
    CHECK(world.books.count.self_evictions == 0);
}

TEST_CASE("sim scheduler: what makes a runner serve and what makes it reload", "[sim][scheduler]") {
    struct Case {
        char const* body;
        bool same;
    };

    auto const c = GENERATE(
        Case{R"({})", true},
        Case{R"({"options": {"num_ctx": 4096}})", true},
        Case{R"({"options": {"num_batch": 512}})", true},
        Case{R"({"options": {"num_gpu": -1}})", true},
        Case{R"({"shift": true})", true},
        Case{R"({"options": {"temperature": 0, "bogus": 1}})", true},
        Case{R"({"options": {"num_ctx": 2048}})", false},
        Case{R"({"options": {"num_batch": 256}})", false},
        Case{R"({"options": {"num_thread": 1}})", false},
        Case{R"({"options": {"use_mmap": true}})", false},
        Case{R"({"options": {"main_gpu": 0}})", false},
        Case{R"({"options": {"draft_num_predict": 2}})", false},
        Case{R"({"shift": false})", false},
        Case{R"({"options": {"num_gpu": 5}})", false}
    );
    CAPTURE(c.body);
    SchedulerWorld world;
    world.load("llama3.1:8b");
    world.load("llama3.1:8b", c.body);
    CHECK(world.books.count.loads == (c.same ? 1 : 2));
}

TEST_CASE(
    "sim scheduler: num_gpu 0 runs on the CPU, and later requests stay there", "[sim][scheduler]"
) {
    SchedulerWorld world;
    world.load("llama3.1:8b");
    world.load("llama3.1:8b", R"({"options": {"num_gpu": 0}})");
    CHECK(world.books.vram.in_use().is_zero());
    world.load("llama3.1:8b");
    CHECK(world.books.count.loads == 2);
    CHECK(world.scheduler.rows().front().bytes.shown_vram.is_zero());
}

TEST_CASE(
    "sim scheduler: names of one weights file share a runner, or throw each other out",
    "[sim][scheduler]"
) {
    SchedulerWorld world;
    world.load("llama3.1:8b");
    world.load("llama3.1:latest");
    CHECK(world.books.count.loads == 1);
    CHECK(world.rows() == "llama3.1:8b");
    world.load("llama3.1-16k:8b");
    CHECK(world.books.count.loads == 2);
    CHECK(world.rows() == "llama3.1-16k:8b");
    // Either name unloads it.
    world.unload("llama3.1:latest");
    world.pass(1);
    CHECK(world.rows().empty());
}

TEST_CASE("sim scheduler: slots are granted in order of asking", "[sim][scheduler]") {
    SchedulerWorld world(gibibytes(24), 3, 2);
    world.load("llama3.1:8b");
    std::vector<std::shared_ptr<Asked>> all;
    for (int i = 0; i < 4; ++i) {
        all.push_back(world.ask("llama3.1:8b"));
        world.slot(*all.back());
    }
    CHECK((all[0]->has_slot && all[1]->has_slot && !all[2]->has_slot && !all[3]->has_slot));
    // One that waits for a slot and goes leaves the queue.
    world.finish(*all[2]);
    world.finish(*all[0]);
    CHECK(all[3]->has_slot);
    CHECK_FALSE(all[2]->has_slot);
}

TEST_CASE(
    "sim scheduler: a crashed runner stays listed without memory until somebody asks for it",
    "[sim][scheduler]"
) {
    SchedulerWorld world;
    world.load("llama3.1:8b");
    world.scheduler.crash(SchedulerWorld::model("llama3.1:8b")->weights->blob, world.now);
    CHECK(world.rows() == "llama3.1:8b");
    CHECK(world.books.vram.in_use().is_zero());
    world.load("llama3.1:8b");
    CHECK(world.books.count.loads == 2);
    CHECK(world.books.vram.in_use() > gibibytes(4));
}

}  // namespace plimsoll::test
