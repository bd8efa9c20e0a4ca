#include "chain/run/run_context.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

namespace plimsoll::chain {

namespace {

std::optional<std::int64_t> integer(boost::json::object const& options, std::string_view key) {
    auto const* const value = options.if_contains(key);
    if (value == nullptr || !value->is_number()) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(value->to_number<double>());
}

std::optional<bool> boolean(boost::json::object const& options, std::string_view key) {
    auto const* const value = options.if_contains(key);
    return value == nullptr || !value->is_bool() ? std::nullopt : std::optional(value->get_bool());
}

bool is_loopback(std::string_view host) {
    return iequals(host, "localhost") || host == "127.0.0.1" || host == "::1";
}

}  // namespace

bool is_same_url(std::string_view a, std::string_view b) {
    auto const left = upstream::parse_url(a);
    auto const right = upstream::parse_url(b);
    return left && right && left->port == right->port &&
           (iequals(left->host, right->host) ||
            (is_loopback(left->host) && is_loopback(right->host)));
}

net::Task<Result<engine::Engine*>> find_engine(
    std::vector<engine::Engine*> const& engines, ModelUse const& use
) {
    if (!use.api_base.empty()) {
        for (auto* const engine : engines) {
            if (is_same_url(engine->provider().config().url, use.api_base)) {
                co_return engine;
            }
        }
        co_return fail(
            Errc::NotFound, fmt::format("no upstream with the URL {} is configured", use.api_base)
        );
    }
    if (engines.size() == 1) {
        co_return engines.front();
    }
    std::optional<Error> failure;
    for (auto* const engine : engines) {
        auto const info = co_await engine->resolve(use.model);
        if (info) {
            co_return engine;
        }
        // Unknown only if all could say so.
        if (!failure || failure->code == Errc::NotFound) {
            failure = info.error();
        }
    }
    if (failure->code == Errc::UpstreamUnavailable) {
        co_return engines.front();
    }
    co_return fail(std::move(*failure));
}

std::optional<std::int64_t> num_ctx_of(Management const& management, ModelUse const& use) {
    if (use.num_ctx) {
        return *use.num_ctx;
    }
    if (auto const own = integer(use.options, "num_ctx")) {
        return own;
    }
    return management.enabled && management.num_ctx
               ? std::optional<std::int64_t>(*management.num_ctx)
               : std::nullopt;
}

engine::AcquireRequest acquire_request(RunContext const& context, ModelUse const& use) {
    engine::AcquireRequest out;
    out.model = use.model;
    out.client = context.client();
    out.request_id = context.id;
    out.num_ctx = num_ctx_of(context.spec().management, use);
    out.num_batch = integer(use.options, "num_batch");
    out.options.num_gpu = integer(use.options, "num_gpu");
    out.options.main_gpu = integer(use.options, "main_gpu");
    out.options.num_thread = integer(use.options, "num_thread");
    out.options.draft_num_predict = integer(use.options, "draft_num_predict");
    out.options.use_mmap = boolean(use.options, "use_mmap");
    return out;
}

}  // namespace plimsoll::chain
