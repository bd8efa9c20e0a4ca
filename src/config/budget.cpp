#include <plimsoll/config/config.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::config {

namespace {

// Models on a host without a readable card lie in its memory, which they share with everything else
// there.
constexpr double kHostShare = 0.75;

Bytes unmeasured(Budget const& budget, Bytes host_memory, std::string& warning) {
    bool const is_percent = budget.kind == Budget::Kind::Percent;
    double const share = is_percent ? budget.percent / 100 : kHostShare;
    Bytes const bytes(static_cast<std::uint64_t>(static_cast<double>(host_memory.count()) * share));
    warning = fmt::format(
        "the GPU's memory cannot be read, so the budget is {} of the host's {}: {}; set \"budget\" "
        "in [[upstream]] (or "
        "--budget) to what models may take, for example \"22GiB\"",
        is_percent ? fmt::format("{}%", budget.percent) : "three quarters",
        format_bytes(host_memory),
        format_bytes(bytes)
    );
    return bytes;
}

}  // namespace

Bytes resolve_budget(
    Budget const& budget,
    Bytes reserve,
    std::optional<Bytes> device_total,
    Bytes host_memory,
    std::string& warning
) {
    warning.clear();
    if (!device_total) {
        if (budget.kind != Budget::Kind::Absolute) {
            // The reserve is kept free of what there is, whatever it is.
            Bytes const most = host_memory - reserve;
            return std::min(unmeasured(budget, host_memory, warning), most);
        }
        if (!reserve.is_zero()) {
            warning = fmt::format(
                "the GPU's memory cannot be read, so the reserve of {} cannot be kept; only the "
                "budget of {} holds",
                format_bytes(reserve),
                format_bytes(budget.bytes)
            );
        }
        return budget.bytes;
    }
    // Cap and reserve are two bounds; the tighter one holds.
    Bytes const most = *device_total - reserve;
    Bytes cap = *device_total - kFitMargin;
    if (budget.kind == Budget::Kind::Absolute) {
        cap = budget.bytes;
    } else if (budget.kind == Budget::Kind::Percent) {
        double const share = budget.percent / 100;
        cap = Bytes(static_cast<std::uint64_t>(static_cast<double>(device_total->count()) * share));
    }
    if (cap > most && budget.kind == Budget::Kind::Absolute) {
        warning = fmt::format(
            "the budget of {} is more than the GPU's {} less the reserve of {}; {} is used",
            format_bytes(cap),
            format_bytes(*device_total),
            format_bytes(reserve),
            format_bytes(most)
        );
    }
    Bytes const budget_bytes = std::min(cap, most);
    if (warning.empty() && budget_bytes + kFitMargin > *device_total) {
        warning = fmt::format(
            "a budget of {} leaves {} of the GPU's {} free, and a model that is loaded with less "
            "than {} to spare falls to the CPU in part; set budget to at most {}, or lower the "
            "upstream's LLAMA_ARG_FIT_TARGET",
            format_bytes(budget_bytes),
            format_bytes(*device_total - budget_bytes),
            format_bytes(*device_total),
            format_bytes(kFitMargin),
            format_bytes(*device_total - kFitMargin)
        );
    }
    return budget_bytes;
}

}  // namespace plimsoll::config
