// Which context a native load gets: the client's, the largest that fits, or less after a fall to
// the CPU.

#include "component/engine_rig.hpp"

namespace plimsoll::test {
namespace {

// 1 GiB of weights and 128 KiB of cache a token: 16384 tokens are 2 GiB.
void shape(memory::Geometry& geometry) {
    geometry.architecture = "llama";
    geometry.is_complete = geometry.is_known_family = true;
    geometry.layers = 32;
    geometry.embedding = 512;
    geometry.heads = 8;
    geometry.kv_heads.assign(32, 8);
    geometry.key_length = geometry.value_length = 128;
    geometry.vocabulary = 1000;
    geometry.device_weights = gibibytes(1);
    geometry.listed_weights = gibibytes(1);
}

struct Contexts : Rig {
    explicit Contexts(Bytes budget = gibibytes(6)) : Rig(budget) {
        config.scheduler.parallel = 1;
        for (auto const* name : {"a:1", "b:1"}) {
            provider.add(name, std::string("w") + name[0], gibibytes(1));
            shape(provider.models[name].geometry);
            provider.sizes[name] = gibibytes(1);
        }
    }

    engine::ModelPolicy& policy() { return config.models[key("a:1")]; }

    std::shared_ptr<Ask> ask_for(std::optional<std::int64_t> num_ctx) {
        engine::AcquireRequest request;
        request.model = "a:1";
        request.num_ctx = num_ctx;
        auto const one = ask(request);
        loop.advance(provider.load_time + 1s);
        return one;
    }

    // The context that a request gets; its instance stays.
    std::uint32_t context_for(std::optional<std::int64_t> num_ctx) {
        auto const one = ask_for(num_ctx);
        REQUIRE(one->has_lease());
        auto const out = (*one->result)->settings.num_ctx;
        one->end();
        loop.poll();
        return out;
    }
};

}  // namespace

TEST_CASE(
    "engine: a context that is to fit is the largest, whatever the client asks for",
    "[engine][component]"
) {
    Contexts rig;
    rig.policy().context = engine::ContextPolicy::Fit;
    rig.start();
    auto const fitting = rig.context_for({});
    CHECK(fitting > 16384);
    CHECK(fitting < 40960);
    CHECK(fitting % 256 == 0);
    // Smaller and larger wishes are served by the same instance.
    CHECK(rig.context_for(2048) == fitting);
    CHECK(rig.context_for(131072) == fitting);
    CHECK(rig.provider.loads.size() == 1);
    CHECK(rig.view("wa")->charge <= gibibytes(6));
}

TEST_CASE(
    "engine: a context that is to fit leaves room for what is pinned", "[engine][component]"
) {
    Contexts rig;
    rig.policy().context = engine::ContextPolicy::Fit;
    rig.start();
    engine::AcquireRequest pin;
    pin.model = "b:1";
    auto const pinned = rig.go(rig.engine->pin(pin, std::nullopt, rig.never));
    rig.loop.advance(5s);
    REQUIRE(pinned->has_value());
    REQUIRE((*pinned)->has_value());
    auto const beside = rig.context_for({});
    CHECK(rig.view("wa")->charge + rig.view("wb")->charge <= gibibytes(6));
    CHECK(rig.view("wb").has_value());
    // With the pin gone there is more room, but not for a reload of what is near enough.
    rig.go(rig.engine->unpin("b:1"));
    rig.loop.poll();
    auto const later = rig.context_for({});
    CHECK(later >= beside);
    CHECK(rig.provider.count("load a:1") == (later == beside ? 1U : 2U));
}

TEST_CASE(
    "engine: a context that does not fit is refused with the one that would", "[engine][component]"
) {
    Contexts rig;
    rig.start();
    auto const one = rig.ask_for(131072);
    CHECK(one->refused().kind == core::RefuseKind::DoesNotFit);
    CHECK_THAT(
        one->refused().error.message, ContainsSubstring("the largest num_ctx that fits is ")
    );
    auto const& words = one->refused().error.message;
    auto const number = std::stoul(words.substr(words.find("fits is ") + 8));
    CHECK(rig.context_for(static_cast<std::int64_t>(number)) == number);
    CHECK(
        rig.ask_for(static_cast<std::int64_t>(number) + 256)->refused().kind ==
        core::RefuseKind::DoesNotFit
    );
}

TEST_CASE(
    "engine: where the policy says so a context that does not fit is cut", "[engine][component]"
) {
    Contexts rig;
    rig.policy().clamp = true;
    rig.start();
    CHECK(rig.context_for(8192) == 8192);
    auto const cut = rig.context_for(131072);
    CHECK(cut > 16384);
    CHECK(cut < 40960);
    // Nothing fits at all: refused, with the sums.
    Contexts small(mebibytes(700));
    small.policy().clamp = true;
    small.start();
    CHECK_THAT(
        small.ask_for(131072)->refused().error.message,
        ContainsSubstring("not even its smallest context fits")
    );
}

TEST_CASE(
    "engine: a load that fell to the CPU is said, and by policy accepted", "[engine][component]"
) {
    Contexts rig;
    rig.provider.sizes["a:1"] = gibibytes(3);
    rig.provider.vram_sizes["a:1"] = gibibytes(2);
    rig.start();
    CHECK(rig.context_for(16384) == 16384);
    CHECK(rig.events("cpu_fallback") == 1);
    CHECK(rig.view("wa")->size_vram == gibibytes(2));
}

TEST_CASE("engine: by policy a load that fell to the CPU is refused", "[engine][component]") {
    Contexts rig;
    rig.config.cpu_fallback = engine::CpuFallback::Refuse;
    rig.provider.sizes["a:1"] = gibibytes(3);
    rig.provider.vram_sizes["a:1"] = gibibytes(2);
    rig.start();
    auto const one = rig.ask_for(16384);
    rig.loop.advance(60s);
    CHECK(one->refused().kind == core::RefuseKind::OutOfMemory);
    CHECK_THAT(one->refused().error.message, ContainsSubstring("2 GiB of 3 GiB on the GPU"));
    // Tried twice: what else was loaded could have been in the way.
    CHECK(rig.provider.count("load a:1") == 2);
    CHECK(rig.view("wa") == std::nullopt);
}

TEST_CASE(
    "engine: by policy a load that fell to the CPU gets a smaller context", "[engine][component]"
) {
    Contexts rig;
    rig.config.cpu_fallback = engine::CpuFallback::Shrink;
    rig.provider.sizes["a:1"] = gibibytes(3);
    rig.provider.vram_sizes["a:1"] = gibibytes(2);
    rig.start();
    engine::AcquireRequest other;
    other.model = "a:1";
    other.client = "another";
    other.num_ctx = 16000;
    auto const two = rig.ask(other);
    auto const one = rig.ask_for(16384);
    rig.loop.advance(20s);
    // The next load is smaller, and so is its row.
    rig.provider.sizes["a:1"] = gibibytes(2);
    rig.loop.advance(60s);
    REQUIRE(one->has_lease());
    auto const shrunk = (*one->result)->settings.num_ctx;
    CHECK(shrunk < 16384);
    CHECK(shrunk >= 2048);
    one->end();
    // So it is for everybody who waited; there is one slot.
    rig.loop.advance(10s);
    REQUIRE(two->has_lease());
    CHECK((*two->result)->settings.num_ctx == shrunk);
    two->end();
    CHECK(rig.context_for(131072) == shrunk);
    // Another configuration is another chance.
    rig.engine->reconfigure(rig.config);
    CHECK(rig.context_for(16384) == 16384);
}

TEST_CASE("engine: a model that is asked for in two ways is said once", "[engine][component]") {
    Contexts rig;
    rig.config.default_num_ctx = 4096;
    rig.start();
    engine::AcquireRequest bare;
    bare.model = "a:1";
    bare.is_native = false;
    auto const one = rig.ask(bare);
    rig.loop.advance(5s);
    one->end();
    CHECK(rig.context_for(2048) == 4096);
    CHECK(rig.events("two_forms") == 0);
    rig.context_for(16384);
    rig.context_for(20480);
    CHECK(rig.events("two_forms") == 1);
    auto const all = rig.engine->recent_events(0);
    auto const said = std::ranges::find(all, "two_forms", &engine::EngineEvent::kind);
    CHECK_THAT(said->text, ContainsSubstring("OLLAMA_CONTEXT_LENGTH=16384"));
}

}  // namespace plimsoll::test
