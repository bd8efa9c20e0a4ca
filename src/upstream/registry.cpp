#include "upstream/ollama.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::upstream {

bool ModelInfo::can(std::string_view capability) const {
    return std::ranges::find(capabilities, capability) != capabilities.end();
}

void Registry::add(std::string kind, Make make) {
    kinds_.insert_or_assign(std::move(kind), std::move(make));
}

Result<std::unique_ptr<Provider>> Registry::make(net::Loop& loop, UpstreamConfig const& config)
    const {
    auto const found = kinds_.find(config.provider);
    if (found != kinds_.end()) {
        return found->second(loop, config);
    }
    std::vector<std::string_view> names;
    std::string known;
    for (auto const& [name, unused] : kinds_) {
        names.push_back(name);
        known += known.empty() ? name : ", " + name;
    }
    auto const near = nearest(config.provider, names);
    return fail(
        Errc::Invalid,
        fmt::format(
            "upstream \"{}\": unknown provider \"{}\"{}; this build has: {}",
            printable(config.name, 80),
            printable(config.provider, 80),
            near ? fmt::format(", did you mean \"{}\"?", *near) : "",
            known
        )
    );
}

void register_builtin(Registry& registry) {
    registry.add("ollama", &make_ollama);
}

}  // namespace plimsoll::upstream
