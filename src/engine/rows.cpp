// From the upstream's rows to the scheduler's: which weights, how loaded, how much to charge.
#include "engine/impl.hpp"

#include <algorithm>

namespace plimsoll::engine {
namespace {

constexpr Duration kTryAgain = std::chrono::seconds(10);

std::string const& key_of(upstream::LoadedRow const& listed) {
    return listed.digest.empty() ? listed.model : listed.digest;
}

// Facts of a name are facts of a row only if the name still means what was loaded.
bool is_of(Fact const& fact, upstream::LoadedRow const& listed) {
    return listed.digest.empty() || fact.info->digest.empty() || fact.info->digest == listed.digest;
}

}  // namespace

bool Engine::Impl::is_resolved(upstream::LoadedRow const& listed) {
    if (facts->weights_of_digest(listed.digest)) {
        return true;
    }
    auto const fact = facts->peek(listed.model);
    return fact && is_of(*fact, listed);
}

net::Task<std::vector<core::Row>> Engine::Impl::resolve_rows(std::vector<upstream::LoadedRow> listed
) {
    std::vector<core::Row> rows;
    for (auto const& one : listed) {
        auto const key = key_of(one);
        auto const tried = unresolvable.find(key);
        bool const is_known = is_resolved(one);
        if (!is_known && (tried == unresolvable.end() || loop.now() - tried->second > kTryAgain)) {
            if (facts->peek(one.model)) {
                // Facts that we have are of other contents under this name: the newest may fit.
                facts->forget(one.model);
            }
            auto const fact = co_await facts->resolve(one.model, nullptr);
            if (!fact || !is_of(**fact, one)) {
                unresolvable[key] = loop.now();
            }
        }
        rows.push_back(row_of(one));
    }
    std::erase_if(unresolvable, [&](auto const& entry) {
        return loop.now() - entry.second > 2 * kTryAgain;
    });
    co_return rows;
}

// A row that nobody can name is charged all the same, under a name of its own.
std::string Engine::Impl::weights_of(upstream::LoadedRow const& listed) {
    if (auto weights = facts->weights_of_digest(listed.digest)) {
        return *weights;
    }
    auto const fact = facts->peek(listed.model);
    if (fact && is_of(*fact, listed)) {
        return fact->info->weights;
    }
    return listed.digest.empty() ? "name:" + listed.model : "digest:" + listed.digest;
}

core::Row Engine::Impl::row_of(upstream::LoadedRow const& listed) {
    core::Row row;
    row.weights = weights_of(listed);
    row.model = listed.model;
    row.size = listed.size;
    row.size_vram = listed.size_vram;
    row.num_ctx = listed.num_ctx;
    auto const* known = measurements.known(row.weights);
    // Another context than ours means that somebody reloaded it.
    bool const is_ours =
        known != nullptr && (row.num_ctx == 0 || known->settings.num_ctx == row.num_ctx);
    core::RunnerSettings settings;
    settings.num_ctx = row.num_ctx;
    if (is_ours) {
        row.known_form = known->form;
        row.known_settings = settings = known->settings;
        row.predicted = known->charge;
    }
    auto const fact = facts->by_weights(row.weights);
    if (fact && settings.num_ctx != 0) {
        auto const form = is_ours ? known->form : core::Form::Unknown;
        auto const& policy = policy_of(config, fact->key);
        auto const charge =
            charge_of(*fact->info, policy, form, settings, demand_context(row.weights));
        row.predicted = policy.vram ? charge : std::max(row.predicted, charge);
    }
    return row;
}

// The context of a load that named none is the upstream's default, unless the model or its
// Modelfile set it.
void Engine::Impl::learn_default_num_ctx(std::uint32_t listed, upstream::ModelInfo const& info) {
    bool const is_capped = info.geometry.trained_ctx != 0 && listed >= info.geometry.trained_ctx;
    if (config.default_num_ctx_is_known || listed == 0 || info.num_ctx || is_capped ||
        learned_num_ctx == listed) {
        return;
    }
    learned_num_ctx = listed;
    ++demand_epoch;
    kLog.info("the upstream's default context is known now", {{"num_ctx", std::uint64_t{listed}}});
}

}  // namespace plimsoll::engine
