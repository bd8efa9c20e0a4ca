#include "sim/store.hpp"

#include <algorithm>

namespace plimsoll::sim {

void Store::reset() {
    models_ = initial_;
    blobs_.clear();
    for (auto const& model : models_) {
        if (model->weights) {
            blobs_.insert(model->weights->blob);
        }
    }
}

ModelPtr Store::find(std::string_view key) const {
    auto const found = std::ranges::find(
        models_, key, [](ModelPtr const& model) -> std::string_view { return model->key; }
    );
    return found == models_.end() ? nullptr : *found;
}

std::vector<ModelPtr> Store::list() const {
    auto out = models_;
    std::ranges::sort(out, [](ModelPtr const& a, ModelPtr const& b) {
        return a->modified_at != b->modified_at ? a->modified_at > b->modified_at
                                                : a->name < b->name;
    });
    return out;
}

void Store::put(ModelPtr model) {
    remove(model->key);
    models_.push_back(std::move(model));
}

bool Store::remove(std::string_view key) {
    return std::erase_if(models_, [key](ModelPtr const& model) { return model->key == key; }) != 0;
}

}  // namespace plimsoll::sim
