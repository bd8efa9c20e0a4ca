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
    bool is_attention_on_device = true;
    Bytes measured_model, measured_kv, measured_compute, measured, measured_host;
};

memory::Settings settings_of(json::object const& row) {
    memory::Settings settings;
    if (row.contains("num_ctx")) {
        settings.num_ctx = json::value_to<std::uint32_t>(row.at("num_ctx"));
    }
    settings.parallel = json::value_to<std::uint32_t>(row.at("parallel"));
    settings.num_batch = json::value_to<std::uint32_t>(row.at("num_batch"));
    settings.kv_type = memory::parse_kv_type(row.at("kv_type").as_string()).value();
    bool const is_off = row.at("flash_attn").as_string() == "off";
    settings.flash_attention = is_off ? memory::FlashAttention::Off : memory::FlashAttention::Auto;
    return settings;
}

Bytes bytes(json::object const& object, char const* key) {
    return Bytes(json::value_to<std::uint64_t>(object.at(key)));
}

// Geometries as read from the answers of /api/show, by the name of the file.
class Shows {
  public:
    explicit Shows(std::filesystem::path folder) : folder_(std::move(folder)) {}

    Geometry const& of(std::string const& file) {
        if (!geometries_.contains(file)) {
            json::value const answer = json::parse(test::read_file(folder_ / file));
            geometries_[file] = memory::read_geometry(answer.as_object());
        }
        return geometries_[file];
    }

  private:
    std::filesystem::path folder_;
    std::map<std::string, Geometry> geometries_;
};

std::vector<Row> rows(std::filesystem::path const& folder) {
    Shows shows(folder);
    std::vector<Row> all;
    std::ifstream lines(folder / "cases.jsonl");
    for (std::string line; std::getline(lines, line);) {
        json::object const row = json::parse(line).as_object();
        json::object const& measured = row.at("measured").as_object();
        all.push_back(
            {.model = std::string(row.at("model").as_string()),
             .geometry = shows.of(std::string(row.at("show").as_string())),
             .file_size = bytes(row, "file_size"),
             .settings = settings_of(row.at("settings").as_object()),
             .is_attention_on_device = row.at("attention_on_gpu").as_bool(),
             .measured_model = bytes(measured, "model"),
             .measured_kv = bytes(measured, "kv"),
             .measured_compute = bytes(measured, "compute"),
             .measured = bytes(measured, "total"),
             .measured_host = bytes(row.at("host").as_object(), "model")}
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
    std::size_t refused = 0;
    for (Row const& row : all) {
        memory::Prediction const p = memory::predict(row.geometry, row.file_size, row.settings);
        CAPTURE(row.model, row.settings.num_ctx, row.settings.parallel, row.settings.num_batch);
        CAPTURE(to_string(row.settings.kv_type), to_string(row.settings.flash_attention));
        CHECK(row.geometry.is_complete);
        CHECK(row.geometry.is_known_family);
        CHECK(row.geometry.defect.empty());
        CHECK(row.geometry.assumptions.empty());
        CHECK(p.loads == row.is_attention_on_device);
        CHECK(p.notes.empty() == p.loads);
        if (!row.is_attention_on_device) {
            ++refused;
            continue;
        }
        CHECK(p.weights == row.measured_model);
        CHECK(row.geometry.host_weights == row.measured_host);
        CHECK(p.kv + p.recurrent == row.measured_kv);
        CHECK(p.kv_windowed <= p.kv);
        double const total = ratio(p.total - p.overhead, row.measured);
        CHECK(std::abs(total - 1) < 0.013);
        totals.push_back(std::abs(total - 1));
        computes.push_back(std::abs(ratio(p.compute, row.measured_compute) - 1));
        // Overhead and margin are for what these measurements do not contain.
        CHECK(p.projector + p.draft == Bytes());
        CHECK(p.total == p.weights + p.kv + p.recurrent + p.compute + p.overhead);
        CHECK(p.booked - p.overhead >= row.measured);
        booked.push_back(ratio(p.booked - p.overhead, row.measured));
    }
    CHECK(refused == 31);
    CHECK(totals.size() == 1279);
    CAPTURE(all.size(), median(totals), median(computes), median(booked));
    CAPTURE(std::ranges::max(totals), std::ranges::max(booked));
    CHECK(median(totals) < 0.00005);
    CHECK(median(computes) < 0.0001);
    CHECK(median(booked) < 1.06);
}

TEST_CASE("largest_num_ctx: the measured budgets give the measured contexts", "[memory][unit]") {
    auto const folder = test::fixtures("vram");
    if (!folder) {
        return;
    }
    Shows shows(*folder);
    std::ifstream lines(*folder / "fit.jsonl");
    int all = 0;
    int exact = 0;
    for (std::string line; std::getline(lines, line);) {
        json::object const row = json::parse(line).as_object();
        Geometry const& g = shows.of(std::string(row.at("show").as_string()));
        auto const settings = settings_of(row.at("settings").as_object());
        auto const measured = json::value_to<std::uint32_t>(row.at("largest_num_ctx"));
        // The budgets are for the runtime's buffers alone.
        auto const found = memory::largest_num_ctx(
            g,
            Bytes(),
            settings,
            {.overhead = Bytes()},
            bytes(row, "budget"),
            memory::FitBy::Predicted
        );
        CAPTURE(line);
        REQUIRE(found);
        CHECK(*found <= measured);
        CHECK(*found <= g.trained_ctx);
        CHECK(*found + std::max<double>(1024, 0.02 * measured) >= measured);
        ++all;
        exact += *found == measured ? 1 : 0;
    }
    CAPTURE(all, exact);
    CHECK(all == 272);
    CHECK(exact >= 0.94 * all);
}
