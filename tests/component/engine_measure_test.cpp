// What loads teach: sizes that agree, measurements that contradict, the process beside the model.

#include <plimsoll/memory/calibration.hpp>

#include "component/engine_rig.hpp"

#include <atomic>

namespace plimsoll::test {
namespace {

// A model with a whole shape, so that its listed size can be compared with a prediction.
void shape(memory::Geometry& geometry) {
    geometry.architecture = "llama";
    geometry.is_complete = geometry.is_known_family = true;
    geometry.layers = 1;
    geometry.embedding = 512;
    geometry.heads = 8;
    geometry.kv_heads = {8};
    geometry.key_length = geometry.value_length = 64;
    geometry.vocabulary = 1000;
}

Bytes predicted(memory::Geometry const& geometry, Bytes file_size) {
    memory::Settings settings;
    settings.num_ctx = 4096;
    settings.num_batch = 1024;
    settings.parallel = 4;
    return memory::listed_part(memory::predict(geometry, file_size, settings));
}

struct Measured : Rig {
    Measured() {
        add("a:1", "wa", gibibytes(4));
        config.models.clear();
        shape(provider.models["a:1"].geometry);
        foretold = predicted(provider.models["a:1"].geometry, gibibytes(4));
        provider.sizes["a:1"] = foretold;
    }

    // Loaded, measured by two lists, and gone again.
    void load_and_unload() {
        load("a:1");
        loop.advance(5s);
        auto const gone = go(engine->unload("a:1", never));
        loop.advance(5s);
        REQUIRE(gone->has_value());
    }

    Bytes charge() {
        load("a:1");
        auto const now = view("wa")->charge;
        auto const gone = go(engine->unload("a:1", never));
        loop.advance(5s);
        REQUIRE(gone->has_value());
        return now;
    }

    Bytes foretold;
};

class FakeProbe final : public probe::MemoryProbe {
  public:
    [[nodiscard]] std::string source() const override { return "fake"; }

    Result<std::vector<probe::Card>> read() override {
        if (is_broken) {
            return fail(Errc::Io, "GPU is lost");
        }
        return std::vector{probe::Card{"fake:1", "Fake", gibibytes(24), Bytes(used.load())}};
    }

    std::atomic<std::uint64_t> used = 0;
    std::atomic<bool> is_broken = false;
};

class TwoCards final : public probe::MemoryProbe {
  public:
    [[nodiscard]] std::string source() const override { return "fake"; }

    Result<std::vector<probe::Card>> read() override {
        ++reads;
        return std::vector{
            probe::Card{"fake:1", "One", gibibytes(24), Bytes(first.load())},
            probe::Card{"fake:2", "Two", gibibytes(24), Bytes(second.load())}
        };
    }

    std::atomic<std::uint64_t> first = 0, second = 0;
    std::atomic<unsigned> reads = 0;
};

struct OnTwoCards : Measured {
    OnTwoCards() {
        config.scheduler.budget = gibibytes(44);
        config.scheduler.cards = {
            {gibibytes(22), gibibytes(24), {}}, {gibibytes(22), gibibytes(24), {}}
        };
        config.scheduler.device_total = gibibytes(48);
    }

    void begin() {
        create();
        engine->use_device(device, "fake:1+fake:2", {"One", "Two"});
        until([&] { return engine->is_ready(); });
        loop.poll();
    }

    std::shared_ptr<TwoCards> device = std::make_shared<TwoCards>();
};

}  // namespace

TEST_CASE(
    "engine: after three loads that agree the measured size is charged", "[engine][component]"
) {
    Measured rig;
    Bytes const listed = rig.foretold.scaled(0.97);
    rig.provider.sizes["a:1"] = listed;
    rig.start();
    rig.load_and_unload();
    rig.load_and_unload();
    CHECK(rig.view("wa") == std::nullopt);
    Bytes const before = rig.charge();
    CHECK(before > rig.foretold + mebibytes(450));
    rig.load_and_unload();
    CHECK(rig.charge() == listed.scaled(1.003) + mebibytes(450));
    CHECK(rig.events("contradiction") == 0);
}

TEST_CASE("engine: a measurement that contradicts the prediction is said", "[engine][component]") {
    Measured rig;
    Bytes const listed = rig.foretold.scaled(1.30);
    rig.provider.sizes["a:1"] = listed;
    rig.start();
    rig.load("a:1");
    // The larger one, and the process.
    CHECK(rig.view("wa")->charge == listed + mebibytes(450));
    rig.loop.advance(5s);
    CHECK(rig.events("contradiction") == 1);
    auto const all = rig.engine->recent_events(0);
    auto const said = std::ranges::find(all, "contradiction", &engine::EngineEvent::kind);
    CHECK_THAT(said->text, ContainsSubstring("+30.0 %"));
    CHECK_THAT(said->text, ContainsSubstring("the measured size is charged"));
    // Once for a load, not once for a list.
    rig.loop.advance(60s);
    CHECK(rig.events("contradiction") == 1);
}

TEST_CASE("engine: a size of another server says nothing of this one", "[engine][component]") {
    Measured rig;
    rig.provider.sizes["a:1"] = rig.foretold.scaled(0.9);
    rig.start();
    for (int i = 0; i < 3; ++i) {
        rig.load_and_unload();
    }
    Bytes const certain = rig.charge();
    CHECK(certain < rig.foretold + mebibytes(450));
    rig.config.kv_type = memory::KvType::F32;
    rig.engine->reconfigure(rig.config);
    CHECK(rig.charge() > rig.foretold + mebibytes(450));
}

TEST_CASE("engine: the process of a load is learned from the driver", "[engine][component]") {
    Measured rig;
    auto const device = std::make_shared<FakeProbe>();
    rig.create();
    rig.engine->use_device(device, "fake:1");
    rig.until([&] { return rig.engine->is_ready(); });
    rig.loop.poll();
    auto const one = rig.ask("a:1");
    rig.until([&] { return !rig.provider.loads.empty(); });
    device->used = (rig.foretold + mebibytes(300)).count();
    rig.loop.advance(5s);
    rig.until([&] { return one->has_lease(); });
    one->end();
    // Read on the worker; then written.
    rig.until([&] {
        auto const all = rig.from_store([](store::Store& store) { return store.calibrations(); });
        return all &&
               std::ranges::any_of(*all, [](auto const& each) { return each.what == "process"; });
    });
    auto const all = *rig.from_store([](store::Store& store) { return store.calibrations(); });
    auto const process = std::ranges::find(all, "process", &store::Calibration::what);
    CHECK(process->device == "fake:1");
    CHECK(process->largest == Approx(static_cast<double>(mebibytes(300).count())));
    // Booked with what a process takes later.
    engine::EstimateRequest request;
    request.model = "a:1";
    auto const answer = rig.go(rig.engine->estimate(request));
    REQUIRE(answer->has_value());
    CHECK((**answer)->estimate.prediction.overhead == mebibytes(428));
}

TEST_CASE(
    "engine: a driver that fails costs nothing but what it would tell", "[engine][component]"
) {
    Measured rig;
    auto const device = std::make_shared<FakeProbe>();
    device->is_broken = true;
    rig.create();
    rig.engine->use_device(device, "fake:1");
    rig.until([&] { return rig.engine->is_ready(); });
    rig.loop.poll();
    auto const one = rig.ask("a:1");
    rig.until([&] { return !rig.provider.loads.empty(); });
    rig.loop.advance(5s);
    rig.until([&] { return one->has_lease(); });
    one->end();
    CHECK(rig.view("wa")->charge > rig.foretold);
}

TEST_CASE("engine: the driver shows on which card a load came to lie", "[engine][component]") {
    OnTwoCards rig;
    rig.begin();
    auto const one = rig.ask("a:1");
    rig.until([&] { return !rig.provider.loads.empty(); });
    CHECK(rig.view("wa")->cards[0] == rig.view("wa")->charge);  // it may be on either
    CHECK(rig.view("wa")->cards[1] == rig.view("wa")->charge);
    rig.device->second = (rig.foretold + mebibytes(300)).count();
    rig.loop.advance(5s);
    rig.until([&] { return one->has_lease(); });
    one->end();
    rig.until([&] { return rig.view("wa")->is_placed; });
    CHECK(rig.view("wa")->cards == core::PerCard{Bytes(), rig.view("wa")->charge});
    CHECK(rig.engine->card_names() == std::vector<std::string>{"One", "Two"});
}

TEST_CASE(
    "engine: where the driver shows too little for a load, another look tells",
    "[engine][component]"
) {
    OnTwoCards rig;
    rig.begin();
    auto const one = rig.ask("a:1");
    rig.until([&] { return !rig.provider.loads.empty(); });
    rig.loop.advance(5s);  // nothing is in use: somebody else's went away meanwhile
    rig.until([&] { return one->has_lease(); });
    one->end();
    rig.device->first = rig.foretold.count();
    rig.loop.advance(5s);
    rig.until([&] { return rig.view("wa")->is_placed; });
    CHECK(rig.view("wa")->cards == core::PerCard{rig.view("wa")->charge, Bytes()});
}

TEST_CASE(
    "engine: what was loaded before us counts where the driver shows it", "[engine][component]"
) {
    OnTwoCards rig;
    rig.add("b:1", "wb", gibibytes(20));
    rig.provider.sizes["b:1"] = gibibytes(20);
    rig.provider.put_row("a:1", rig.foretold);
    rig.provider.put_row("b:1", gibibytes(20));
    rig.device->first = gibibytes(20).count();
    rig.device->second = rig.foretold.count();
    rig.begin();
    rig.until([&] { return rig.view("wb").has_value(); });
    CHECK_FALSE(rig.engine->snapshot().over_budget);
    CHECK_FALSE(rig.view("wa")->is_placed);  // only the sum of both is known
    CHECK(rig.view("wa")->cards[0] > rig.view("wa")->cards[1]);
    CHECK(rig.provider.count("unload a:1") + rig.provider.count("unload b:1") == 0);
}

}  // namespace plimsoll::test
