#include "support/catch.hpp"

#include "unit/memory/show_answers.hpp"

#include <optional>

using namespace plimsoll;
using memory::FitBy;
using memory::Geometry;
using memory::Settings;

namespace {

Bytes sum_at(Geometry const& g, Settings settings, std::uint32_t num_ctx, FitBy by) {
    settings.num_ctx = num_ctx;
    memory::Prediction const p = memory::predict(g, Bytes(), settings);
    return by == FitBy::Booked ? p.booked : p.total;
}

std::optional<std::uint32_t> fit(
    Geometry const& g,
    Settings const& settings,
    Bytes budget,
    FitBy by,
    std::uint32_t most = UINT32_MAX
) {
    return memory::largest_num_ctx(g, Bytes(), settings, {}, budget, by, most);
}

}  // namespace

TEST_CASE("largest_num_ctx: the last step that fits, at every budget", "[memory][unit]") {
    Geometry const g = test::geometry(test::kLlama);
    auto const by = GENERATE(FitBy::Predicted, FitBy::Booked);
    Settings settings;
    settings.parallel = GENERATE(1U, 3U);
    settings.num_batch = GENERATE(0U, 512U);
    for (std::uint32_t num_ctx = 256; num_ctx <= 8192; num_ctx += 256) {
        Bytes const enough = sum_at(g, settings, num_ctx, by);
        auto const found = fit(g, settings, enough, by);
        REQUIRE(found);
        // Equal bytes may allow a step more, never less.
        CHECK(*found >= num_ctx);
        CHECK(sum_at(g, settings, *found, by) <= enough);
        auto const below = fit(g, settings, enough - Bytes(1), by);
        CHECK(below.value_or(0) < num_ctx);
    }
}

TEST_CASE("largest_num_ctx: never above the trained context or the wish", "[memory][unit]") {
    Geometry const g = test::geometry(test::kLlama);
    CHECK(fit(g, {}, gibibytes(100), FitBy::Booked) == 8192);
    CHECK(fit(g, {}, gibibytes(100), FitBy::Booked, 3000) == 3000);
    CHECK_FALSE(fit(g, {}, mebibytes(1), FitBy::Booked));
}

TEST_CASE("largest_num_ctx: a vision model gets 2048 or nothing", "[memory][unit]") {
    Geometry g = test::geometry(test::kLlama);
    g.is_vision = true;
    Bytes const just = sum_at(g, {}, 2048, FitBy::Predicted);
    CHECK(fit(g, {}, just, FitBy::Predicted) == 2048);
    CHECK_FALSE(fit(g, {}, just - Bytes(1), FitBy::Predicted));
}

TEST_CASE("largest_num_ctx: a trained context below a step, and none at all", "[memory][unit]") {
    Geometry g = test::geometry(test::kLlama);
    g.trained_ctx = 100;
    CHECK(fit(g, {}, gibibytes(100), FitBy::Booked) == 100);
    CHECK_FALSE(fit(g, {}, mebibytes(1), FitBy::Booked));
    g.trained_ctx = 0;
    CHECK(fit(g, {}, gibibytes(1000), FitBy::Booked) == 131072);
}

TEST_CASE("largest_num_ctx: nothing where the settings do not load", "[memory][unit]") {
    Geometry const g = test::geometry(test::kLlama);
    Settings settings;
    settings.kv_type = memory::KvType::Q8_0;
    settings.flash_attention = memory::FlashAttention::Off;
    CHECK_FALSE(fit(g, settings, gibibytes(100), FitBy::Booked));
}
