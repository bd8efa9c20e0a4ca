#include "engine/demand.hpp"

#include "support/catch.hpp"

#include <cmath>

namespace plimsoll::engine {
namespace {

struct Fixture {
    Fixture() : store(store::Store::in_memory()), measurements(loop, store, "fake") {
        info.name = "a:1";
        info.weights = "wa";
        info.file_size = gibibytes(4);
        info.geometry.trained_ctx = 131072;
        info.capabilities = {"completion"};
        config.scheduler.parallel = 1;
    }

    [[nodiscard]] core::Demand make() const { return make_demand(info, policy, wish, context()); }

    [[nodiscard]] DemandContext context() const {
        return {
            .config = config,
            .measurements = measurements,
            .default_num_ctx = 4096,
            .bare_num_ctx = 4096,
            .bare_ceiling = ceiling
        };
    }

    [[nodiscard]] DemandContext context_of(std::string const& version) const {
        auto out = context();
        out.server = server_text(config, version);
        return out;
    }

    store::Store store;  // outlives the loop, whose worker writes to it
    net::Loop loop{net::ClockMode::Manual};
    Measurements measurements;
    EngineConfig config;
    upstream::ModelInfo info;
    ModelPolicy policy;
    DemandWish wish;
    std::optional<Bytes> ceiling;
};

TEST_CASE(
    "demand: the context is the policy's, the client's, the Modelfile's or the default",
    "[engine][unit]"
) {
    Fixture f;
    CHECK(f.make().settings.num_ctx == 4096);
    f.info.num_ctx = 1024;
    CHECK(f.make().settings.num_ctx == 1024);
    f.wish.num_ctx = 8192;
    CHECK(f.make().settings.num_ctx == 8192);
    f.wish.num_ctx = 999999;
    CHECK(f.make().settings.num_ctx == 131072);
    f.wish.num_ctx = -7;
    CHECK(f.make().settings.num_ctx == 4);
    f.policy.context = ContextPolicy::Fixed;
    f.policy.num_ctx = 2048;
    CHECK(f.make().settings.num_ctx == 2048);
}

TEST_CASE(
    "demand: the batch follows the context over all slots, unless it is given", "[engine][unit]"
) {
    Fixture f;
    CHECK(f.make().settings.num_batch == 512);
    f.wish.num_ctx = 4097;
    CHECK(f.make().settings.num_batch == 1024);
    f.wish.num_ctx = 32769;
    CHECK(f.make().settings.num_batch == 2048);
    f.wish.num_ctx = 4096;
    f.config.scheduler.parallel = 4;
    CHECK(f.make().settings.num_batch == 1024);
    f.info.num_batch = 128;
    CHECK(f.make().settings.num_batch == 128);
    f.wish.num_batch = 64;
    CHECK(f.make().settings.num_batch == 64);
}

TEST_CASE(
    "demand: an embedding-only model has one slot and a batch as large as its context",
    "[engine][unit]"
) {
    Fixture f;
    f.info.geometry.is_embedding_only = true;
    f.config.scheduler.parallel = 4;
    f.wish.num_ctx = 512;
    CHECK(f.make().settings.num_batch == 512);
    f.wish.num_ctx = 8192;
    CHECK(f.make().settings.num_batch == 2048);
}

TEST_CASE(
    "demand: a /v1 wish is bare, with the context that the upstream will give", "[engine][unit]"
) {
    Fixture f;
    f.wish.is_native = false;
    CHECK(f.make().form == core::Form::Bare);
    CHECK(f.make().settings.num_ctx == 4096);
    CHECK(f.make().settings.num_batch == 0);
    f.info.num_ctx = 16384;
    CHECK(f.make().settings.num_ctx == 16384);
}

TEST_CASE(
    "demand: a bare load of an unknown context is booked for the largest, up to the room there is",
    "[engine][unit]"
) {
    Fixture f;
    f.info.geometry.is_complete = true;
    f.info.geometry.architecture = "llama";
    f.info.geometry.layers = 32;
    f.info.geometry.embedding = 4096;
    f.info.geometry.heads = 32;
    f.info.geometry.min_kv_heads = 8;
    f.info.geometry.key_length = f.info.geometry.value_length = 128;
    f.info.geometry.kv_heads.assign(32, 8);
    f.wish.is_native = false;
    auto const small = f.make().charge;
    f.ceiling = gibibytes(100);
    CHECK(f.make().charge > small + gibibytes(10));  // 131072 tokens at 128 KiB each
    CHECK(f.make().settings.num_ctx == 4096);        // all that is promised to requests
    f.ceiling = gibibytes(9);
    CHECK(f.make().charge == gibibytes(9));
    f.ceiling = gibibytes(1);
    CHECK(f.make().charge == small);
    f.ceiling = gibibytes(100);
    f.info.num_ctx = 4096;  // the Modelfile says: nothing is unknown
    CHECK(f.make().charge == small);
    CHECK(f.make().has_own_ctx);
}

TEST_CASE(
    "demand: options are the request's over the Modelfile's, without what is cut", "[engine][unit]"
) {
    Fixture f;
    f.info.options.num_gpu = 7;
    f.info.options.num_thread = 2;
    f.wish.options.num_gpu = 0;  // cut by default
    CHECK(f.make().settings.options.num_gpu == 7);
    f.config.cut_options = {};
    CHECK(f.make().settings.options.num_gpu == 0);
    f.wish.options.num_gpu = -1;  // the upstream's own default
    CHECK_FALSE(f.make().settings.options.num_gpu);
    f.wish.options.num_thread = 8;
    CHECK(f.make().settings.options.num_thread == 8);
    f.config.cut_options = {"num_thread"};
    CHECK(f.make().settings.options.num_thread == 2);
    f.wish.options.use_mmap = false;
    CHECK(f.make().settings.options.use_mmap == false);
    f.config.cut_options = {"use_mmap=false"};
    CHECK_FALSE(f.make().settings.options.use_mmap);
}

TEST_CASE(
    "demand: shift is a setting only where it differs from the family's default", "[engine][unit]"
) {
    Fixture f;
    f.wish.options.shift = true;
    CHECK_FALSE(f.make().settings.options.shift);
    f.wish.options.shift = false;
    CHECK(f.make().settings.options.shift == false);
    f.info.geometry.architecture = "deepseek2";
    CHECK_FALSE(f.make().settings.options.shift);
}

TEST_CASE(
    "demand: the charge is never below what was measured, and never below the prediction",
    "[engine][unit]"
) {
    Fixture f;
    auto const predicted = f.make().charge;
    CHECK(predicted > gibibytes(4));
    auto const key = settings_key(core::Form::Pinned, f.make().settings);
    f.measurements.seen("wa", key, gibibytes(1), gibibytes(1));
    CHECK(f.make().charge == predicted);
    f.measurements.seen("wa", key, gibibytes(30), gibibytes(30));
    // The list shows nothing of the process.
    CHECK(f.make().charge == gibibytes(30) + mebibytes(450));
    // A later, smaller list does not take it back.
    f.measurements.seen("wa", key, gibibytes(20), gibibytes(20));
    CHECK(f.make().charge == gibibytes(30) + mebibytes(450));
    f.policy.vram = gibibytes(5);
    CHECK(f.make().charge == gibibytes(5));
}

TEST_CASE("demand: sizes that agree are believed rather than the prediction", "[engine][unit]") {
    Fixture f;
    auto const predicted = f.make().charge;
    auto const key = settings_key(core::Form::Pinned, f.make().settings);
    auto const server = server_text(f.config, "1");
    for (int i = 0; i < 3; ++i) {
        CHECK(make_demand(f.info, f.policy, f.wish, f.context_of("1")).charge == predicted);
        f.measurements.sized("wa", key, server, gibibytes(2));
    }
    // The largest, 0.3 % of it, and the process: below the prediction.
    CHECK(
        make_demand(f.info, f.policy, f.wish, f.context_of("1")).charge ==
        gibibytes(2).scaled(1.003) + mebibytes(450)
    );
    // Under another version, or other settings of the server, they say nothing.
    CHECK(make_demand(f.info, f.policy, f.wish, f.context_of("2")).charge == predicted);
    f.config.scheduler.parallel = 2;
    CHECK(make_demand(f.info, f.policy, f.wish, f.context_of("1")).charge >= predicted);
}

TEST_CASE("demand: times are learned, and guessed from the size before", "[engine][unit]") {
    Fixture f;
    f.info.file_size = Bytes(4'000'000'000);
    CHECK(f.make().load_time == std::chrono::milliseconds(2500));
    CHECK(f.make().unload_time == std::chrono::seconds(1));
    auto const key = settings_key(core::Form::Pinned, f.make().settings);
    f.measurements.loaded("wa", key, std::chrono::seconds(10));
    CHECK(f.make().load_time == std::chrono::seconds(10));
    f.measurements.loaded("wa", key, std::chrono::seconds(20));
    CHECK(std::abs(to_seconds(f.make().load_time) - 13.0) < 1e-6);
    f.measurements.unloaded("wa", key, std::chrono::milliseconds(300));
    CHECK(f.make().unload_time == std::chrono::milliseconds(300));
}

TEST_CASE("keep-alive: honoured, clamped or overridden by the policy", "[engine][unit]") {
    using Kind = core::KeepAlive::Kind;
    EngineConfig config;
    ModelPolicy policy;
    core::KeepAlive const hour{.kind = Kind::For, .duration = std::chrono::hours(1)};
    core::KeepAlive const forever{.kind = Kind::Forever, .duration = {}};
    core::KeepAlive const zero{.kind = Kind::Zero, .duration = {}};
    CHECK(effective_keep_alive(forever, policy, config) == forever);
    CHECK_FALSE(effective_keep_alive(std::nullopt, policy, config));
    config.keep_alive_policy = KeepAlivePolicy::Clamp;
    config.keep_alive_max = std::chrono::minutes(10);
    CHECK(effective_keep_alive(hour, policy, config)->duration == std::chrono::minutes(10));
    CHECK(effective_keep_alive(forever, policy, config)->kind == Kind::For);
    CHECK(effective_keep_alive(zero, policy, config) == zero);
    policy.keep_alive = std::chrono::minutes(2);
    CHECK(effective_keep_alive(std::nullopt, policy, config)->duration == std::chrono::minutes(2));
    config.keep_alive_policy = KeepAlivePolicy::Override;
    CHECK(effective_keep_alive(zero, policy, config)->duration == std::chrono::minutes(2));
}

TEST_CASE("default context: by total memory, as the upstream chooses", "[engine][unit]") {
    core::SchedulerConfig config;
    config.device_total = gibibytes(24);
    CHECK(upstream_default_num_ctx(config) == 32768);
    config.device_total = gibibytes(48);
    CHECK(upstream_default_num_ctx(config) == 262144);
    config.device_total = gibibytes(8);
    CHECK(upstream_default_num_ctx(config) == 4096);
    // An unknown device is a little larger than its budget.
    config.device_total.reset();
    config.budget = gibibytes(22);
    CHECK(upstream_default_num_ctx(config) == 32768);
}

}  // namespace
}  // namespace plimsoll::engine
