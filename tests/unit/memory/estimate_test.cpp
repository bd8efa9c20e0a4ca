#include "support/catch.hpp"

#include <plimsoll/memory/estimate.hpp>

#include "unit/memory/show_answers.hpp"
#include <boost/json/array.hpp>

using namespace plimsoll;
using memory::Geometry;

TEST_CASE("estimate: the parts are the prediction's, and add up", "[memory][unit]") {
    Geometry const g = test::geometry(test::kLlama);
    memory::EstimateQuery query;
    query.settings.num_ctx = 1'000'000;
    query.settings.parallel = 2;
    memory::Estimate const e = memory::estimate(g, Bytes(), query);
    CHECK(e.settings.num_ctx == 8192);
    CHECK(e.settings.num_batch == 1024);
    auto const json = memory::to_json(e);
    std::uint64_t sum = 0;
    for (char const* part :
         {"weights", "kv", "recurrent", "compute", "projector", "draft", "overhead"}) {
        sum += json.at(part).as_uint64();
    }
    CHECK(json.at("total").as_uint64() == sum);
    CHECK(json.at("booked").as_uint64() == sum + json.at("margin").as_uint64());
    CHECK(json.at("loads").as_bool());
    CHECK(json.at("largest_num_ctx").is_null());
    CHECK(json.at("fits").is_null());
    CHECK(json.at("notes").as_array().empty());
}

TEST_CASE(
    "estimate: the curve doubles up to the trained context and never falls", "[memory][unit]"
) {
    Geometry g = test::geometry(test::kLlama);
    g.trained_ctx = 6000;
    auto const curve = memory::estimate(g, Bytes(), {}).curve;
    REQUIRE(curve.size() == 4);
    CHECK(curve[0].num_ctx == 1024);
    CHECK(curve[2].num_ctx == 4096);
    CHECK(curve[3].num_ctx == 6000);
    for (std::size_t i = 0; i < curve.size(); ++i) {
        CHECK(curve[i].weights + curve[i].cache + curve[i].compute == curve[i].total);
        CHECK((i == 0 || curve[i].total >= curve[i - 1].total));
    }
    // A vision model never runs below 2048.
    g.is_vision = true;
    CHECK(memory::estimate(g, Bytes(), {}).curve.front().num_ctx == 2048);
}

TEST_CASE(
    "estimate: a budget gives the largest context, and whether this one fits", "[memory][unit]"
) {
    Geometry const g = test::geometry(test::kLlama);
    memory::EstimateQuery query;
    query.settings.num_ctx = 8192;
    auto const total = memory::estimate(g, Bytes(), query).prediction.total;
    query.fit = total;
    auto json = memory::to_json(memory::estimate(g, Bytes(), query));
    CHECK(json.at("largest_num_ctx").to_number<int>() == 8192);
    CHECK(json.at("fits").as_bool());
    query.fit = total - Bytes(1);
    json = memory::to_json(memory::estimate(g, Bytes(), query));
    CHECK(json.at("largest_num_ctx").to_number<int>() < 8192);
    CHECK_FALSE(json.at("fits").as_bool());
    // By what is booked less fits.
    query.fit = total;
    query.fit_by = memory::FitBy::Booked;
    json = memory::to_json(memory::estimate(g, Bytes(), query));
    CHECK_FALSE(json.at("fits").as_bool());
    CHECK(json.at("fit_by").as_string() == "booked");
}

TEST_CASE("estimate: what does not load has no bytes", "[memory][unit]") {
    Geometry const g = test::geometry(test::kLlama);
    memory::EstimateQuery query;
    query.settings.kv_type = memory::KvType::Q8_0;
    query.settings.flash_attention = memory::FlashAttention::Off;
    auto const json = memory::to_json(memory::estimate(g, Bytes(), query));
    CHECK_FALSE(json.at("loads").as_bool());
    CHECK(json.at("total").is_null());
    CHECK(json.at("weights").is_null());
    CHECK(json.at("curve").as_array().empty());
    CHECK_FALSE(json.at("notes").as_array().empty());
}
