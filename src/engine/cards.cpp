#include "engine/cards.hpp"

#include <algorithm>

namespace plimsoll::engine {

Bytes sum_of(core::PerCard const& cards) {
    Bytes sum;
    for (Bytes const each : cards) {
        sum += each;
    }
    return sum;
}

core::PerCard difference(core::PerCard const& from, core::PerCard const& less) {
    core::PerCard out = from;
    for (std::size_t i = 0; i < std::min(from.size(), less.size()); ++i) {
        out[i] -= less[i];
    }
    return out;
}

core::PerCard shares(Bytes bytes, core::PerCard const& like) {
    Bytes const sum = sum_of(like);
    core::PerCard out(like.size(), bytes);
    for (std::size_t i = 0; i < like.size() && !sum.is_zero(); ++i) {
        out[i] =
            bytes.scaled(static_cast<double>(like[i].count()) / static_cast<double>(sum.count()));
    }
    return out;
}

core::PerCard placed_use(core::Snapshot const& snapshot) {
    core::PerCard sum(snapshot.charged_by_card.size());
    for (auto const& view : snapshot.instances) {
        for (std::size_t i = 0; view.is_placed && i < view.cards.size(); ++i) {
            sum[i] += view.cards[i];
        }
    }
    return sum;
}

}  // namespace plimsoll::engine
