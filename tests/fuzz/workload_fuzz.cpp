// Any text as a table of requests, or as numbers to make them from, gives a reason that fits on a
// line, or a workload that can be simulated.

#include <plimsoll/base/result.hpp>
#include <plimsoll/trace/csv.hpp>
#include <plimsoll/trace/generate.hpp>
#include <plimsoll/trace/simulate.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using namespace plimsoll;

constexpr std::size_t kSimulated = 50;  // requests; more would only take longer

void check(Result<trace::Workload> const& workload) {
    if (!workload) {
        PLIMSOLL_ASSERT(!workload.error().message.empty());
        PLIMSOLL_ASSERT(std::ranges::none_of(workload.error().message, [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        }));
        return;
    }
    if (workload->requests.size() > kSimulated) {
        return;
    }
    core::SchedulerConfig config;
    config.budget = gibibytes(8);
    auto const simulated = trace::simulate(*workload, config);
    PLIMSOLL_ASSERT(simulated.passages.size() == workload->requests.size());
    PLIMSOLL_ASSERT(simulated.counters.violations == 0);
    PLIMSOLL_ASSERT(simulated.peak <= config.budget);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    check(trace::parse_csv(text, {}));
    if (text.size() < 200) {
        check(trace::generate(text, {}));
    }
    return 0;
}
