#include "proxy/route_label.hpp"

#include <algorithm>
#include <array>

namespace plimsoll::proxy {
namespace {

using http::Operation;

// By Operation, in its order.
constexpr std::array<std::string_view, 20> kByOperation{
    "/api/generate",
    "/api/chat",
    "/api/embed",
    "/api/embeddings",
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/v1/audio/transcriptions",
    "/v1/messages",
    "other",
    "/api/ps",
    "/api/show",
    "/api/pull",
    "/api/push",
    "/api/create",
    "/api/copy",
    "/api/delete",
    "/api/blobs/{digest}",
    "other",
};
static_assert(static_cast<std::size_t>(Operation::Other) + 1 == kByOperation.size());

constexpr std::array<std::string_view, 9> kPassive{
    "/",
    "/api/tags",
    "/api/version",
    "/api/me",
    "/api/signout",
    "/api/experimental/web_search",
    "/api/experimental/web_fetch",
    "/v1/models",
    "/v1/models/{model}",
};

constexpr std::size_t kOther = 0;
constexpr std::size_t kFirstPassive = 1 + kByOperation.size();
constexpr std::size_t kFirstOwn = kFirstPassive + kPassive.size();

// Takes one part off, with the slash before it.
std::string_view take_part(std::string_view& path) {
    path.remove_prefix(1);
    auto const part = path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    return part;
}

// "{...}" stands for one part that is not empty.
bool is_path(std::string_view pattern, std::string_view path) {
    while (pattern.starts_with('/') && path.starts_with('/')) {
        auto const wanted = take_part(pattern);
        auto const given = take_part(path);
        bool const is_match = wanted.starts_with('{') ? !given.empty() : wanted == given;
        if (!is_match) {
            return false;
        }
    }
    return pattern.empty() && path.empty();
}

}  // namespace

RouteLabels::RouteLabels(std::span<std::string_view const> own_paths) {
    labels_.emplace_back("other");
    labels_.insert(labels_.end(), kByOperation.begin(), kByOperation.end());
    labels_.insert(labels_.end(), kPassive.begin(), kPassive.end());
    labels_.insert(labels_.end(), own_paths.begin(), own_paths.end());
}

std::size_t RouteLabels::find(http::Route const& route, std::string_view path) const {
    if (route.operation != Operation::Other) {
        return route.operation == Operation::UnknownPost
                   ? kOther
                   : 1 + static_cast<std::size_t>(route.operation);
    }
    bool const is_own = route.route_class == http::RouteClass::Own;
    auto const from =
        labels_.begin() + static_cast<std::ptrdiff_t>(is_own ? kFirstOwn : kFirstPassive);
    auto const to =
        is_own ? labels_.end() : labels_.begin() + static_cast<std::ptrdiff_t>(kFirstOwn);
    auto const found =
        std::find_if(from, to, [&](std::string_view pattern) { return is_path(pattern, path); });
    return found == to ? kOther : static_cast<std::size_t>(found - labels_.begin());
}

}  // namespace plimsoll::proxy
