// On which cards the instances lie, from what the driver says is in use. Only for upstreams with
// several cards; the scheduler has its own guess until then.
#include "engine/cards.hpp"
#include "engine/impl.hpp"

#include <algorithm>

namespace plimsoll::engine {

namespace {

constexpr Bytes kWorthTelling = mebibytes(64);
constexpr Duration kSettles = std::chrono::seconds(3);

// Then the driver does not show the model: somebody else's memory came free meanwhile, or it does
// not know yet.
bool is_too_little(core::PerCard const& seen, Bytes charge) {
    return sum_of(seen) + sum_of(seen) < charge;
}

}  // namespace

// The driver shows memory as used for a while after its process is gone.
bool Engine::Impl::is_device_settled() const {
    return !last_device_change || loop.now() - *last_device_change > kSettles;
}

void Engine::Impl::note_device_change() {
    ++device_changes;
    last_device_change = loop.now();
}

// What other programs use, for the guess where the upstream will put the next model.
void Engine::Impl::note_others(core::PerCard const& used) {
    if (config.scheduler.cards.empty()) {
        return;
    }
    auto const snapshot = scheduler.snapshot(loop.now());
    bool const is_all_known = std::ranges::all_of(snapshot.instances, [](auto const& view) {
        return view.is_placed || view.state == core::InstanceState::Loading;
    });
    if (!is_all_known || used.size() != config.scheduler.cards.size()) {
        return;
    }
    auto others = difference(used, placed_use(snapshot));
    bool const is_quiet = is_device_settled();
    bool is_news = false;
    for (std::size_t i = 0; i < others.size(); ++i) {
        auto const& card = config.scheduler.cards[i];
        // What has been unloaded a moment ago is still in use, and nobody else's.
        others[i] = is_quiet ? others[i] : std::min(others[i], card.others);
        is_news = is_news || card.others > others[i] + kWorthTelling ||
                  others[i] > card.others + kWorthTelling;
    }
    if (!is_news) {
        return;
    }
    for (std::size_t i = 0; i < others.size(); ++i) {
        config.scheduler.cards[i].others = others[i];
    }
    step(core::ConfigChanged{config.scheduler});
}

core::PerCard Engine::Impl::without_others(core::PerCard used) const {
    for (std::size_t i = 0; i < used.size(); ++i) {
        used[i] -= config.scheduler.cards[i].others;
    }
    return used;
}

// Of a load that nothing else overlapped: what each card lost to it.
void Engine::Impl::place_loaded(
    core::InstanceId instance, core::PerCard const& before, core::PerCard const& after
) {
    if (config.scheduler.cards.size() != after.size()) {
        return;
    }
    auto const lost = difference(after, before);
    auto const charge = scheduler.ledger().charge_of(instance);
    if (!charge.is_zero() && !is_too_little(lost, charge)) {
        step(core::Placed{.instance = instance, .most = shares(charge, lost)});
    }
}

// Rows that the scheduler does not know yet share what the known ones leave of the use.
net::Task<void> Engine::Impl::place_new(std::vector<core::Row>& rows) {
    if (config.scheduler.cards.empty()) {
        co_return;
    }
    auto const known = scheduler.snapshot(loop.now()).instances;
    if (std::ranges::all_of(rows, [&](core::Row const& row) {
            return std::ranges::find(known, row.weights, &core::InstanceView::weights) !=
                   known.end();
        })) {
        co_return;
    }
    auto const used = co_await read_used();
    if (!used || used->size() != config.scheduler.cards.size()) {
        co_return;
    }
    auto const left = without_others(difference(*used, placed_use(scheduler.snapshot(loop.now()))));
    for (auto& row : rows) {
        row.cards = shares(std::max(row.predicted, taken(row.size, row.size_vram)), left);
    }
}

// Instances that something overlapped, or that were here before us. One alone is all that the
// driver shows beside the others; of several only the sum is known.
net::Task<void> Engine::Impl::place_others() {
    auto const is_open = [](core::InstanceView const& view) {
        return !view.is_placed && view.state == core::InstanceState::Ready;
    };
    if (config.scheduler.cards.empty() || !loading.empty() || !is_device_settled() ||
        std::ranges::none_of(scheduler.snapshot(loop.now()).instances, is_open)) {
        co_return;
    }
    auto const changes = device_changes;
    auto const used = co_await read_used();
    if (!used || used->size() != config.scheduler.cards.size() || changes != device_changes) {
        co_return;
    }
    auto const snapshot = scheduler.snapshot(loop.now());
    auto const left = without_others(difference(*used, placed_use(snapshot)));
    auto const open = std::ranges::count_if(snapshot.instances, is_open);
    Bytes charge;
    for (auto const& view : snapshot.instances) {
        charge += is_open(view) ? view.charge : Bytes();
    }
    if (is_too_little(left, charge)) {
        co_return;
    }
    for (auto const& view : snapshot.instances) {
        if (is_open(view)) {
            step(core::Placed{
                .instance = view.id, .most = shares(view.charge, left), .is_certain = open == 1
            });
        }
    }
}

}  // namespace plimsoll::engine
