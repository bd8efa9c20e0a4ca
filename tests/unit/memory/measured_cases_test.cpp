// The prediction against measurements of the real runtime. What is booked must never be less than
// what was measured.

#include "support/catch.hpp"
#include "support/fixtures.hpp"

#include <plimsoll/memory/predict.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <vector>

using namespace plimsoll;
using memory::Geometry;

namespace json = boost::json;

namespace {

struct Row {
    std::string model;
    Geometry geometry;
    Bytes file_size;
    memory::Settings settings;
    Bytes measured_model, measured_kv, measured_compute, measured;
};

memory::Settings settings_of(json::object const& row) {
    memory::Settings settings;
    settings.num_ctx = json::value_to<std::uint32_t>(row.at("num_ctx"));
    settings.parallel = json::value_to<std::uint32_t>(row.at("parallel"));
    settings.num_batch = json::value_to<std::uint32_t>(row.at("num_batch"));
    settings.kv_type = memory::parse_kv_type(row.at("kv_type").as_string()).value();
    bool const is_off = row.at("flash_attn").as_string() == "off";
    settings.flash_attention = is_off ? memory::FlashAttention::Off : memory::FlashAttention::Auto;
    return settings;
}

// Every row that can load, its geometry read from the answer of /api/show.
std::vector<Row> rows(std::filesystem::path const& folder) {
    std::map<std::string, Geometry> geometries;
    std::vector<Row> all;
    std::ifstream lines(folder / "cases.jsonl");
    for (std::string line; std::getline(lines, line);) {
        json::object const row = json::parse(line).as_object();
        if (!row.at("attention_on_gpu").as_bool()) {
            continue;
        }
        std::string const show(row.at("show").as_string());
        if (!geometries.contains(show)) {
            json::value const answer = json::parse(test::read_file(folder / show));
            geometries[show] = memory::read_geometry(answer.as_object());
        }
        json::object const& measured = row.at("measured").as_object();
        auto const bytes = [&measured](char const* key) {
            return Bytes(json::value_to<std::uint64_t>(measured.at(key)));
        };
        all.push_back(
            {.model = std::string(row.at("model").as_string()),
             .geometry = geometries[show],
             .file_size = Bytes(json::value_to<std::uint64_t>(row.at("file_size"))),
             .settings = settings_of(row.at("settings").as_object()),
             .measured_model = bytes("model"),
             .measured_kv = bytes("kv"),
             .measured_compute = bytes("compute"),
             .measured = bytes("total")}
        );
    }
    return all;
}

double ratio(Bytes a, Bytes b) {
    return static_cast<double>(a.count()) / static_cast<double>(b.count());
}

double median(std::vector<double> values) {
    auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

}  // namespace

TEST_CASE("predict: every measured case comes out as measured", "[memory][unit]") {
    auto const folder = test::fixtures("vram");
    if (!folder) {
        return;
    }
    std::vector<Row> const all = rows(*folder);
    REQUIRE(all.size() > 1000);
    std::vector<double> totals, computes, booked;
    for (Row const& row : all) {
        memory::Prediction const p = memory::predict(row.geometry, row.file_size, row.settings);
        CAPTURE(row.model, row.settings.num_ctx, row.settings.parallel, row.settings.num_batch);
        CAPTURE(
            static_cast<int>(row.settings.kv_type), static_cast<int>(row.settings.flash_attention)
        );
        CHECK(row.geometry.is_complete);
        CHECK(p.weights == row.measured_model);
        CHECK(p.kv == row.measured_kv);
        double const total = ratio(p.weights + p.kv + p.compute, row.measured);
        CHECK(std::abs(total - 1) < 0.013);
        totals.push_back(std::abs(total - 1));
        computes.push_back(std::abs(ratio(p.compute, row.measured_compute) - 1));
        // Overhead and margin are for what these measurements do not contain.
        CHECK(p.projector == Bytes());
        CHECK(p.total == p.weights + p.kv + p.compute + p.overhead + p.margin);
        CHECK(p.total - p.overhead >= row.measured);
        booked.push_back(ratio(p.total - p.overhead, row.measured));
    }
    CAPTURE(all.size(), median(totals), median(computes), median(booked));
    CAPTURE(std::ranges::max(totals), std::ranges::max(booked));
    CHECK(median(totals) < 0.00005);
    CHECK(median(computes) < 0.0001);
    CHECK(median(booked) < 1.03);
}
