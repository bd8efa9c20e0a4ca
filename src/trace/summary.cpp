#include <plimsoll/trace/summary.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace plimsoll::trace {

namespace {

struct Sample {
    std::vector<double> waits;
    std::size_t refused = 0;

    void add(Passage const& passage) {
        if (passage.outcome == Outcome::Served) {
            waits.push_back(to_seconds(passage.waited));
        } else {
            ++refused;
        }
    }
};

double percentile(std::vector<double> const& sorted, double share) {
    auto const rank =
        static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    return sorted[rank == 0 ? 0 : rank - 1];
}

Waits waits_of(Sample sample) {
    Waits out;
    out.served = sample.waits.size();
    out.refused = sample.refused;
    if (sample.waits.empty()) {
        return out;
    }
    std::ranges::sort(sample.waits);
    for (double const wait : sample.waits) {
        out.mean += wait / static_cast<double>(sample.waits.size());
    }
    out.p50 = percentile(sample.waits, 0.5);
    out.p99 = percentile(sample.waits, 0.99);
    out.longest = sample.waits.back();
    return out;
}

void sort_by_requests(std::vector<Group>& groups) {
    std::ranges::sort(groups, [](Group const& a, Group const& b) {
        auto const requests = [](Group const& each) {
            return each.waits.served + each.waits.refused;
        };
        return requests(a) != requests(b) ? requests(a) > requests(b) : a.name < b.name;
    });
}

}  // namespace

Summary summarize(Workload const& workload, Simulated const& simulated, Bytes budget) {
    Summary out;
    Sample all;
    std::vector<Sample> by_model(workload.models.size());
    std::map<std::string, Sample> by_client;
    for (std::size_t i = 0; i < simulated.passages.size(); ++i) {
        Passage const& passage = simulated.passages[i];
        all.add(passage);
        by_model[workload.requests[i].model].add(passage);
        by_client[workload.requests[i].client].add(passage);
        if (passage.outcome == Outcome::Refused && out.first_refusal.empty()) {
            out.first_refusal = passage.reason;
        }
    }
    out.waits = waits_of(std::move(all));
    out.loads = simulated.counters.loads;
    out.evictions = simulated.counters.evictions;
    out.seconds = to_seconds(simulated.length);
    out.peak = simulated.peak;
    double const all_bytes = static_cast<double>(budget.count()) * out.seconds;
    out.memory_used = all_bytes > 0 ? simulated.byte_seconds / all_bytes : 0;
    for (std::size_t i = 0; i < workload.models.size(); ++i) {
        out.models.push_back({workload.models[i].name, waits_of(std::move(by_model[i])), 0, 0});
    }
    for (Residency const& residency : simulated.residencies) {
        Group& model = out.models[residency.model];
        ++model.loads;
        if (out.seconds > 0 && residency.ready != Duration()) {
            model.resident += to_seconds(residency.gone - residency.ready) / out.seconds;
        }
    }
    for (auto& [name, sample] : by_client) {
        out.clients.push_back({name, waits_of(std::move(sample)), 0, 0});
    }
    sort_by_requests(out.models);
    sort_by_requests(out.clients);
    return out;
}

}  // namespace plimsoll::trace
