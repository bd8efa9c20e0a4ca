#include "schedule/gentd.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <fstream>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <tuple>

namespace plimsoll::bench {

namespace {

constexpr double kServiceShare = 0.25;  // of the recorded execution time
constexpr std::array<double, 7> kGigabytes{2, 3.5, 5, 7, 9, 13, 19};

std::optional<double> number(std::string_view text) {
    double value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
}

// "2024-11-15 16:57:50" as seconds.
std::optional<double> seconds_of(std::string_view text) {
    auto const part = [&](std::size_t begin, std::size_t size) {
        return begin + size <= text.size() ? number(text.substr(begin, size)) : std::nullopt;
    };
    auto const year = part(0, 4);
    auto const month = part(5, 2);
    auto const day = part(8, 2);
    auto const hour = part(11, 2);
    auto const minute = part(14, 2);
    auto const second = part(17, 2);
    if (!year || !month || !day || !hour || !minute || !second) {
        return std::nullopt;
    }
    std::chrono::sys_days const date = std::chrono::year_month_day(
        std::chrono::year(static_cast<int>(*year)),
        std::chrono::month(static_cast<unsigned>(*month)),
        std::chrono::day(static_cast<unsigned>(*day))
    );
    return static_cast<double>(date.time_since_epoch().count()) * 86'400 + *hour * 3'600 +
           *minute * 60 + *second;
}

}  // namespace

Result<Traffic> read_traffic(std::string const& file) {
    std::ifstream in(file);
    if (!in) {
        return fail(Errc::Io, "cannot read " + file + "; set PLIMSOLL_FIXTURES");
    }

    struct Row {
        double at;
        double seconds;
        std::string model, group;
    };

    std::vector<Row> rows;
    std::string line;
    std::getline(in, line);  // the names of the columns
    while (std::getline(in, line)) {
        auto const cells = split(line, ',');
        if (cells.size() < 10 || cells[2] != "SUCCEED") {
            continue;
        }
        auto const at = seconds_of(cells[0]);
        auto const seconds = number(cells[3]);
        if (at && seconds && !cells[9].empty()) {
            rows.push_back({*at, *seconds, std::string(cells[9]), std::string(cells[4])});
        }
    }
    // By time, and by their order in the file.
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
        return std::tie(rows[a].at, a) < std::tie(rows[b].at, b);
    });
    Traffic traffic;
    std::map<std::string, std::size_t> index;
    for (std::size_t const at : order) {
        Row const& row = rows[at];
        auto const [found, is_new] = index.try_emplace(row.model, traffic.models.size());
        if (is_new) {
            traffic.models.push_back(row.model);
        }
        traffic.items.push_back(
            {row.at - rows[order.front()].at, row.seconds, found->second, row.group}
        );
    }
    return traffic;
}

trace::Workload workload_of(Traffic const& traffic, Run const& run) {
    trace::Workload out;
    std::vector<std::size_t> asked(traffic.models.size());
    for (auto const& item : traffic.items) {
        ++asked[item.model];
    }
    // Sizes are drawn for the most asked model first, then for the next: with this order the loads
    // of strict FIFO + LRU and the lower bounds are those that the aims were measured beside.
    std::vector<std::size_t> by_use(asked.size());
    std::iota(by_use.begin(), by_use.end(), std::size_t{0});
    std::ranges::sort(by_use, [&](std::size_t a, std::size_t b) {
        return std::tie(asked[b], a) < std::tie(asked[a], b);
    });
    std::mt19937 random(7);
    out.models.resize(by_use.size());
    for (std::size_t const i : by_use) {
        double const size = kGigabytes[random() % kGigabytes.size()];
        out.models[i] = {
            .name = traffic.models[i],
            .charge = Bytes(static_cast<std::uint64_t>(size * 1e9)),
            .load = from_seconds(1.5 + size / 1.5),
            .unload = from_seconds(0.7)
        };
    }
    std::size_t least = 0;
    if (run.top_models > 0) {
        auto sorted = asked;
        std::ranges::sort(sorted, std::greater<>());
        least = sorted[run.top_models - 1];
    }
    for (auto const& item : traffic.items) {
        if (asked[item.model] >= least) {
            out.requests.push_back(
                {.arrival = from_seconds(item.at / run.compression),
                 .model = item.model,
                 .service = from_seconds(item.seconds * kServiceShare),
                 .client = item.group,
                 .priority = core::Priority::Normal}
            );
        }
    }
    return out;
}

Bytes budget_of(Run const& run) {
    return Bytes(static_cast<std::uint64_t>(run.gigabytes * 1e9));
}

}  // namespace plimsoll::bench
