// Answers of /api/show as anybody may have made them: read, predicted under several settings,
// fitted. Sizes add up, never fall as the context grows, and what is found to fit does fit.

#include <plimsoll/memory/calibration.hpp>
#include <plimsoll/memory/estimate.hpp>

#include <boost/json/parse.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace plimsoll;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void check(memory::Geometry const& geometry, memory::Settings settings) {
    constexpr Bytes kFile = gibibytes(3);
    Bytes last;
    for (std::uint32_t const num_ctx : {4U, 1000U, 4096U, 5000U, 100'000U, UINT32_MAX}) {
        settings.num_ctx = num_ctx;
        memory::Prediction const p = memory::predict(geometry, kFile, settings);
        require(
            p.total ==
            p.weights + p.kv + p.recurrent + p.compute + p.projector + p.draft + p.overhead
        );
        require(p.booked == p.total + p.margin);
        require(p.total >= last && p.kv_windowed <= p.kv);
        require(p.loads || !p.notes.empty());
        require(geometry.defect.empty() || !p.loads);
        last = p.total;
    }
    static_cast<void>(memory::upstream_estimate(geometry, kFile, settings));
    Bytes const budget = gibibytes(8);
    auto const fitting = memory::largest_num_ctx(
        geometry, kFile, settings, {}, budget, memory::FitBy::Booked, UINT32_MAX
    );
    if (fitting) {
        settings.num_ctx = *fitting;
        require(memory::predict(geometry, kFile, settings).booked <= budget);
        require(geometry.trained_ctx == 0 || *fitting <= geometry.trained_ctx);
    }
    memory::EstimateQuery query;
    query.settings = settings;
    query.fit = budget;
    static_cast<void>(memory::to_json(memory::estimate(geometry, kFile, query)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    boost::json::error_code broken;
    auto const value =
        boost::json::parse(std::string_view(reinterpret_cast<char const*>(data), size), broken);
    if (broken || !value.is_object()) {
        return 0;
    }
    memory::Geometry const geometry = memory::read_geometry(value.get_object());
    memory::Settings settings;
    check(geometry, settings);
    settings.parallel = 7;
    settings.kv_type = memory::KvType::Q8_0;
    settings.draft_num_predict = 3;
    check(geometry, settings);
    settings.kv_type = memory::KvType::F32;
    settings.num_batch = 333;
    settings.flash_attention = memory::FlashAttention::Off;
    check(geometry, settings);
    return 0;
}
