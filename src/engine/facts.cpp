#include "engine/facts.hpp"

#include <plimsoll/base/model_name.hpp>

#include <list>

namespace plimsoll::engine {
namespace {

constexpr std::size_t kMaxSpellings = 4096;

}  // namespace

struct Facts::Pending {
    std::optional<Found> found;
    std::list<net::Flag*> waiting;
};

std::shared_ptr<Fact> Facts::peek(std::string const& model) {
    if (auto const spelled = spellings_.find(std::string_view(model));
        spelled != spellings_.end()) {
        return spelled->second;
    }
    auto const name = ModelName::parse(model);
    auto const known = name ? by_key_.find(name->key()) : by_key_.end();
    if (known == by_key_.end()) {
        return nullptr;
    }
    // Bounded: spellings come from clients.
    if (spellings_.size() >= kMaxSpellings) {
        spellings_.clear();
    }
    spellings_.emplace(model, known->second);
    return known->second;
}

std::shared_ptr<Fact> Facts::find(std::string const& model) {
    auto fact = peek(model);
    if (fact && !fact->is_checking && loop_.now() - fact->checked > ttl_) {
        fact->is_checking = true;
        loop_.spawn("check facts of " + fact->info->name, check(shared_from_this(), fact));
    }
    return fact;
}

net::Task<Facts::Found> Facts::resolve(std::string model, net::Canceller* canceller) {
    auto const name = ModelName::parse(model);
    if (!name) {
        co_return fail(name.error());
    }
    if (auto fact = find(model)) {
        co_return fact;
    }
    auto const key = name->key();
    auto const self = shared_from_this();
    std::shared_ptr<Pending> pending;
    if (auto const asked = pending_.find(key); asked != pending_.end()) {
        pending = asked->second;
    } else {
        // Asked for by a task of its own, so a caller that leaves takes nothing from the others.
        pending = std::make_shared<Pending>();
        pending_.emplace(key, pending);
        loop_.spawn("ask for " + key, fetch(self, model, key, pending));
    }
    net::Flag done(loop_);
    if (!pending->found) {
        auto const where = pending->waiting.insert(pending->waiting.end(), &done);
        auto const waited = co_await done.wait(std::nullopt, canceller);
        pending->waiting.erase(where);
        if (!waited) {
            co_return fail(waited.error());
        }
    }
    co_return *pending->found;
}

net::Task<void> Facts::fetch(
    std::shared_ptr<Facts> self,
    std::string model,
    std::string key,
    std::shared_ptr<Pending> pending
) {
    auto const generation = self->generation_;
    auto info = co_await self->provider_.model_info(model);
    if (!info) {
        // Not kept: the model may be pulled in the next second.
        pending->found = fail(info.error());
    } else if (generation != self->generation_ || (info->is_remote && info->digest.empty())) {
        // Forgotten meanwhile, or a cloud name, of which there are as many as clients care to make
        // up.
        auto fact = std::make_shared<Fact>();
        fact->key = key;
        fact->info = std::make_shared<upstream::ModelInfo const>(std::move(*info));
        pending->found = std::move(fact);
    } else {
        pending->found = self->keep(key, std::move(*info));
    }
    if (auto const found = self->pending_.find(key);
        found != self->pending_.end() && found->second == pending) {
        self->pending_.erase(found);
    }
    // A flag that wakes its coroutine at once takes itself out of the list.
    auto const waiting = pending->waiting;
    for (auto* flag : waiting) {
        flag->set();
    }
}

net::Task<void> Facts::check(std::shared_ptr<Facts> self, std::shared_ptr<Fact> fact) {
    auto const generation = self->generation_;
    auto const info = fact->info;
    auto const is_current = co_await self->provider_.is_current(*info);
    fact->is_checking = false;
    fact->checked = self->loop_.now();
    if (!is_current || *is_current || generation != self->generation_) {
        co_return;
    }
    auto fresh = co_await self->provider_.model_info(info->name);
    if (generation != self->generation_) {
        co_return;
    }
    if (fresh) {
        self->keep(fact->key, std::move(*fresh));
    } else if (fresh.error().code == Errc::NotFound) {
        self->drop(fact->key);
    }
}

std::shared_ptr<Fact> Facts::keep(std::string const& key, upstream::ModelInfo info) {
    auto fact = std::make_shared<Fact>();
    fact->key = key;
    fact->checked = loop_.now();
    if (!info.digest.empty() && !info.weights.empty()) {
        digests_.insert_or_assign(info.digest, info.weights);
    }
    if (info.weights.empty()) {
        info.weights = "name:" + key;
    }
    fact->info = std::make_shared<upstream::ModelInfo const>(std::move(info));
    drop(key);
    by_key_.insert_or_assign(key, fact);
    return fact;
}

void Facts::drop(std::string const& key) {
    by_key_.erase(key);
    std::erase_if(spellings_, [&](auto const& entry) { return entry.second->key == key; });
}

void Facts::forget(std::optional<std::string> const& model) {
    ++generation_;
    // Whoever asks from now on asks anew.
    pending_.clear();
    if (!model) {
        by_key_.clear();
        spellings_.clear();
        return;
    }
    if (auto const name = ModelName::parse(*model)) {
        drop(name->key());
    }
}

std::optional<std::string> Facts::weights_of_digest(std::string const& digest) const {
    auto const found = digests_.find(digest);
    return found == digests_.end() ? std::nullopt : std::optional(found->second);
}

std::shared_ptr<Fact> Facts::by_weights(std::string const& weights) const {
    for (auto const& [key, fact] : by_key_) {
        if (fact->info->weights == weights) {
            return fact;
        }
    }
    return nullptr;
}

std::vector<std::string> Facts::names_of(std::string const& weights) const {
    std::vector<std::string> names;
    for (auto const& [key, fact] : by_key_) {
        if (fact->info->weights == weights) {
            names.push_back(fact->info->name);
        }
    }
    return names;
}

}  // namespace plimsoll::engine
