#pragma once
// The label under which a request is counted: the template of its path, out of a list that is fixed
// when the daemon starts. Whatever else clients invent is "other". Pure.

#include <plimsoll/http/route.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace plimsoll::proxy {

class RouteLabels {
  public:
    // Templates of our own paths: "/plimsoll/v1/runs/{id}". The texts must outlive this object.
    explicit RouteLabels(std::span<std::string_view const> own_paths);

    // Number of the label of a request.
    [[nodiscard]] std::size_t find(http::Route const& route, std::string_view path) const;

    [[nodiscard]] std::string_view text(std::size_t label) const { return labels_[label]; }

    [[nodiscard]] std::size_t size() const { return labels_.size(); }

  private:
    std::vector<std::string_view> labels_;  // "other", the upstream's paths, our own
};

}  // namespace plimsoll::proxy
