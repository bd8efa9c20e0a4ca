#include "app/simulate_view.hpp"

#include "app/table.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace plimsoll::app {
namespace {

namespace json = boost::json;

constexpr std::size_t kGroups = 20;

std::string seconds(double value) {
    return format_duration(from_seconds(value));
}

std::string percent(double share) {
    return fmt::format("{:.0f} %", share * 100);
}

double patience_of(core::SchedulerConfig const& config) {
    return to_seconds(config.patience[1]);
}

std::string comparison(Variant const& base, Variant const& other, std::vector<Variant> const& all) {
    double const gain = base.summary.waits.mean - other.summary.waits.mean;
    return fmt::format(
        "With {} instead of {} a request waits {} {} on average ({} instead of {}), with {} loads "
        "instead of {}.\n",
        name_of(other, all),
        name_of(base, all),
        seconds(std::abs(gain)),
        gain >= 0 ? "less" : "more",
        seconds(other.summary.waits.mean),
        seconds(base.summary.waits.mean),
        other.summary.loads,
        base.summary.loads
    );
}

json::object waits_json(trace::Waits const& waits) {
    return {
        {"served", waits.served},
        {"refused", waits.refused},
        {"mean_wait_seconds", waits.mean},
        {"p50_wait_seconds", waits.p50},
        {"p99_wait_seconds", waits.p99},
        {"longest_wait_seconds", waits.longest}
    };
}

json::array groups_json(std::vector<trace::Group> const& groups, bool are_models) {
    json::array out;
    for (trace::Group const& group : groups) {
        json::object each{{"name", group.name}};
        for (auto const& [key, value] : waits_json(group.waits)) {
            each[key] = value;
        }
        if (are_models) {
            each["loads"] = group.loads;
            each["resident_share"] = group.resident;
        }
        out.push_back(std::move(each));
    }
    return out;
}

}  // namespace

std::string name_of(Variant const& variant, std::vector<Variant> const& all) {
    std::set<std::uint64_t> budgets;
    std::set<double> factors;
    std::set<double> patiences;
    for (Variant const& each : all) {
        budgets.insert(each.config.budget.count());
        factors.insert(each.config.quantum_factor);
        patiences.insert(patience_of(each.config));
    }
    std::string name;
    auto const add = [&name](std::string const& part) {
        name += (name.empty() ? "" : ", ") + part;
    };
    if (budgets.size() > 1 || (factors.size() == 1 && patiences.size() == 1)) {
        add(format_bytes(variant.config.budget));
    }
    if (factors.size() > 1) {
        add(fmt::format("factor {:g}", variant.config.quantum_factor));
    }
    if (patiences.size() > 1) {
        add("patience " + seconds(patience_of(variant.config)));
    }
    return name;
}

std::string render_variants(std::vector<Variant> const& variants, Terminal const& terminal) {
    Table table(
        {{"WITH"},
         {"SERVED", Align::Right},
         {"REFUSED", Align::Right},
         {"MEAN WAIT", Align::Right},
         {"P50", Align::Right},
         {"P99", Align::Right},
         {"LONGEST", Align::Right},
         {"LOADS", Align::Right},
         {"MEMORY USED", Align::Right}}
    );
    std::string refusals;
    for (Variant const& variant : variants) {
        trace::Summary const& summary = variant.summary;
        table.add(
            {{name_of(variant, variants)},
             {std::to_string(summary.waits.served)},
             {std::to_string(summary.waits.refused),
              summary.waits.refused > 0 ? Colour::Red : Colour::None},
             {seconds(summary.waits.mean)},
             {seconds(summary.waits.p50)},
             {seconds(summary.waits.p99)},
             {seconds(summary.waits.longest)},
             {std::to_string(summary.loads)},
             {percent(summary.memory_used)}}
        );
        if (summary.waits.refused > 0) {
            refusals += fmt::format(
                "Refused with {}: {}{}\n",
                name_of(variant, variants),
                printable(summary.first_refusal, 300),
                summary.waits.refused > 1 ? fmt::format(" (and {} more)", summary.waits.refused - 1)
                                          : std::string()
            );
        }
    }
    std::string out = table.render(terminal) + refusals;
    for (std::size_t i = 1; i < variants.size(); ++i) {
        bool const are_served =
            variants.front().summary.waits.served > 0 && variants[i].summary.waits.served > 0;
        if (are_served) {
            out += comparison(variants.front(), variants[i], variants);
        }
    }
    return out;
}

std::string render_groups(Variant const& variant, GroupBy by, Terminal const& terminal) {
    bool const is_model = by == GroupBy::Model;
    auto const& groups = is_model ? variant.summary.models : variant.summary.clients;
    std::vector<Column> columns{
        {is_model ? "MODEL" : "CLIENT"},
        {"SERVED", Align::Right},
        {"REFUSED", Align::Right},
        {"MEAN WAIT", Align::Right},
        {"P99", Align::Right},
        {"LONGEST", Align::Right}
    };
    if (is_model) {
        columns.push_back({"LOADS", Align::Right});
        columns.push_back({"IN MEMORY", Align::Right});
    }
    Table table(std::move(columns));
    for (std::size_t i = 0; i < std::min(kGroups, groups.size()); ++i) {
        trace::Group const& group = groups[i];
        std::vector<Cell> row{
            {printable(group.name, 60)},
            {std::to_string(group.waits.served)},
            {std::to_string(group.waits.refused)},
            {seconds(group.waits.mean)},
            {seconds(group.waits.p99)},
            {seconds(group.waits.longest)}
        };
        if (is_model) {
            row.push_back({std::to_string(group.loads)});
            row.push_back({percent(group.resident)});
        }
        table.add(std::move(row));
    }
    std::string out = table.render(terminal);
    if (groups.size() > kGroups) {
        out += fmt::format("and {} more\n", groups.size() - kGroups);
    }
    return out;
}

json::object variants_json(trace::Workload const& workload, std::vector<Variant> const& variants) {
    json::array out;
    for (Variant const& variant : variants) {
        trace::Summary const& summary = variant.summary;
        json::object each{
            {"budget_bytes", variant.config.budget.count()},
            {"quantum_factor", variant.config.quantum_factor},
            {"patience_seconds", patience_of(variant.config)}
        };
        for (auto const& [key, value] : waits_json(summary.waits)) {
            each[key] = value;
        }
        each["loads"] = summary.loads;
        each["evictions"] = summary.evictions;
        each["seconds"] = summary.seconds;
        each["memory_used_share"] = summary.memory_used;
        each["peak_bytes"] = summary.peak.count();
        each["first_refusal"] = summary.first_refusal.empty() ? json::value(nullptr)
                                                              : json::value(summary.first_refusal);
        each["models"] = groups_json(summary.models, true);
        each["clients"] = groups_json(summary.clients, false);
        out.push_back(std::move(each));
    }
    return {
        {"requests", workload.requests.size()},
        {"models", workload.models.size()},
        {"variants", std::move(out)}
    };
}

}  // namespace plimsoll::app
