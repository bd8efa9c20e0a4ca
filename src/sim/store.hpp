#pragma once
// The models and blobs that are "on disk": what copy, delete, create, pull and uploads change.
// Starts from the catalogue. Loop thread only.

#include "sim/catalogue.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::sim {

class Store {
  public:
    explicit Store(std::vector<ModelPtr> models) : initial_(std::move(models)) { reset(); }

    void reset();
    [[nodiscard]] ModelPtr find(std::string_view key) const;
    // Newest first, as the server lists them; equal times by name.
    [[nodiscard]] std::vector<ModelPtr> list() const;
    void put(ModelPtr model);  // replaces what had that key
    bool remove(std::string_view key);

    [[nodiscard]] bool has_blob(std::string_view digest) const {
        return blobs_.contains(std::string(digest));
    }

    void add_blob(std::string digest) { blobs_.insert(std::move(digest)); }

  private:
    std::vector<ModelPtr> initial_;
    std::vector<ModelPtr> models_;
    std::set<std::string> blobs_;  // 64 hex
};

}  // namespace plimsoll::sim
