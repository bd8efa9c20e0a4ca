#pragma once
// The proxy's state and the rooms of its house: proxy.cpp (gate and dispatch), inference.cpp,
// passive.cpp, store_request.cpp, own.cpp, virtual_models.cpp. Loop thread only.

#include "proxy/body_hold.hpp"
#include "proxy/call.hpp"
#include "proxy/inference.hpp"
#include "proxy/relay.hpp"
#include "proxy/request_metrics.hpp"

#include <plimsoll/access/guard.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/log/log.hpp>
#include <plimsoll/proxy/proxy.hpp>
#include <plimsoll/proxy/virtual_models.hpp>

#include <boost/json/array.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace plimsoll::proxy {

inline constexpr log::Logger kLog{"proxy"};

struct Proxy::Impl {
    Impl(std::vector<engine::Engine*> all, ProxyConfig with, OwnPaths paths);

    // proxy.cpp
    net::Task<void> handle(net::Exchange& exchange, access::Door door);
    // False: already answered.
    net::Task<bool> pass_gate(Call& call, access::Door door);
    net::Task<void> dispatch(Call& call);
    net::Task<void> unscheduled(Call& call);
    net::Task<void> handle_own(net::Exchange& exchange, engine::Engine& engine);
    void log_request(Call const& call) const;

    // Whom to ask where no model decides.
    [[nodiscard]] engine::Engine& first(Call const& call) const {
        return call.only != nullptr ? *call.only : *engines.front();
    }

    std::string next_id();

    // entrance.cpp; false: already answered.
    net::Task<bool> pass_guard(Call& call, access::Door door);
    net::Task<bool> may_use_model(Call& call, std::string_view model);
    net::Task<bool> may_use_named(Call& call, std::string_view body);

    // own.cpp
    net::Task<void> own_path(Call& call);
    net::Task<void> loaded_models(Call& call);  // GET /api/ps

    // find.cpp: which engine has the model.
    struct Found {
        engine::Engine* engine = nullptr;
        std::shared_ptr<upstream::ModelInfo const> info;  // null: the upstream could not be asked
    };

    net::Task<Result<Found>> find(
        Call const& call, ModelName const& name, std::string_view as_asked
    );

    // inference.cpp
    net::Task<void> inference(Call& call);
    net::Task<void> unknown_post(Call& call);
    net::Task<bool> read_request(Call& call, Inference& request);  // false: already answered
    net::Task<void> schedule(Call& call, Inference& request);
    net::Task<void> unload_wish(Call& call, Inference& request);
    net::Task<void> run(Call& call, Inference& request);
    net::Task<void> refused(Call& call, Inference const& request, engine::Refused const& refusal);

    // leased.cpp: true: nothing was sent, take a new lease and try again.
    net::Task<bool> relay_leased(
        Call& call, Inference& request, engine::Lease& lease, bool may_retry
    );
    net::Task<bool> send_failed(
        Call& call, Inference& request, engine::Lease& lease, Error const& error, bool may_retry
    );
    void judge(Call& call, Inference& request, engine::Lease& lease, RelayResult const& result);

    // passive.cpp
    net::Task<void> passive(Call& call);
    // Relays without a lease; `body`, where given, is the whole body, else it is passed through as
    // it comes.
    net::Task<void> pass(
        Call& call, engine::Engine& engine, RelayTimes times, HeldBody const* body
    );
    net::Task<bool> upstream_lacks(
        Call& call, engine::Engine& engine
    );  // a probe: is the path unknown there, too?

    // virtual_models.cpp
    [[nodiscard]] bool is_virtual(Call const& call, std::string_view model) const;
    net::Task<void> answer_virtually(Call& call, std::string_view model, std::string_view body);
    // The lists of models, with the virtual ones and without those that the key is not for, and one
    // model of them. False: nothing of it needs us, nothing was answered.
    net::Task<bool> catalogue(Call& call);
    net::Task<void> answer_list(Call& call, std::string_view member, boost::json::array rows);
    net::Task<bool> show_virtual_model(Call& call, std::string_view body);

    // store_request.cpp
    net::Task<void> store_request(Call& call);
    net::Task<bool> read_store_request(Call& call, HeldBody& body);  // false: already answered

    std::vector<engine::Engine*> engines;
    ProxyConfig config;
    OwnPaths own;
    access::Guard guard;
    VirtualModels* virtual_models = nullptr;
    BodyPool bodies;
    std::uint64_t requests = 0;
    std::uint64_t id_state = 0;
    std::shared_ptr<RequestMetrics> metrics;  // null: nobody counts
    std::uint64_t broken_streams = 0;         // /v1 streams that ended without their mark
    std::unordered_map<std::string, std::size_t>
        engine_of;  // by ModelName::key(), where there are several engines
    std::unordered_map<std::string, TimePoint>
        absent_paths;  // unknown POST paths that the upstream lacks, too
};

}  // namespace plimsoll::proxy
