#include "chain/chains_impl.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <random>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

constexpr std::string_view kLowClass = "u=5";
constexpr std::string_view kLost =
    "the daemon ended while it ran, and durable is false: it is not resumed";

std::uint64_t random_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
}

// What a step names that only the configuration can tell.
void check_use(
    ModelUse const& use,
    std::string const& pointer,
    std::vector<engine::Engine*> const& engines,
    std::vector<Problem>& problems
) {
    if (use.api_base.empty()) {
        return;
    }
    std::string known;
    for (auto* const engine : engines) {
        auto const& url = engine->provider().config().url;
        if (is_same_url(url, use.api_base)) {
            return;
        }
        known += (known.empty() ? "" : ", ") + url;
    }
    problems.push_back(
        {pointer,
         fmt::format(
             "api_base {} is no configured upstream; what is loaded elsewhere would be in no "
             "ledger; there are {}; leave it out to take the one that has the model",
             printable(use.api_base, 200),
             known
         )}
    );
}

class SurroundingsChecker {
  public:
    SurroundingsChecker(
        std::vector<engine::Engine*> const& engines,
        ToolServers const& tools,
        std::vector<Problem>& problems
    )
        : engines_(engines), tools_(tools), problems_(problems) {}

    void check(std::vector<Step> const& steps) {
        for (auto const& step : steps) {
            if (step.kind == Step::Kind::Prompt) {
                check_use(step.model, step.pointer + "/model", engines_, problems_);
                for (auto const& fallback : step.fallbacks) {
                    check_use(fallback, step.pointer + "/fallbacks", engines_, problems_);
                }
                for (auto const& server : step.tools.servers) {
                    check_server(server, step.pointer + "/tools/servers");
                }
            } else if (step.kind == Step::Kind::Tool) {
                check_server(step.server, step.pointer + "/server");
            }
            check(step.steps);
        }
    }

  private:
    void check_server(std::string const& server, std::string pointer) {
        if (!tools_.has(server)) {
            problems_.push_back(
                {std::move(pointer),
                 fmt::format(
                     "no MCP server \"{}\" is configured; a chain uses those of the configuration: "
                     "[[mcp_server]] id = \"{}\"",
                     printable(server, 80),
                     printable(server, 80)
                 )}
            );
        }
    }

    std::vector<engine::Engine*> const& engines_;
    ToolServers const& tools_;
    std::vector<Problem>& problems_;
};

}  // namespace

Chains::Impl::Impl(Surroundings with, ChainsConfig settings)
    : surroundings(std::move(with)),
      config(std::move(settings)),
      tools(surroundings.loop, config.mcp_servers),
      metrics(surroundings.metrics, config.mcp_servers),
      journal(surroundings.loop, surroundings.store),
      id_state(random_seed()) {}

std::string Chains::Impl::next_id() {
    id_state += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = id_state;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    z ^= z >> 31U;
    return fmt::format("{:016x}", z);
}

std::expected<Spec, std::vector<Problem>> Chains::Impl::check(json::value const& document) const {
    auto spec = parse_spec(document);
    if (!spec) {
        return spec;
    }
    std::vector<Problem> problems;
    SurroundingsChecker(surroundings.engines, tools, problems).check(spec->steps);
    for (std::size_t i = 0; i < spec->breakers.size(); ++i) {
        if (auto const& model = spec->breakers[i].then.model) {
            check_use(
                *model,
                fmt::format("/breakers/{}/then/retry/model", i),
                surroundings.engines,
                problems
            );
        }
    }
    if (!problems.empty()) {
        return std::unexpected(std::move(problems));
    }
    return spec;
}

Result<std::shared_ptr<Run>> Chains::Impl::begin(
    std::string id, RunRequest request, std::optional<Past> past
) {
    if (is_draining) {
        return fail(Errc::Draining, "Plimsoll is shutting down; retry in a few seconds");
    }
    if (running.size() >= config.max_runs) {
        return fail(
            Errc::QueueFull,
            fmt::format(
                "{} runs of chains are going on already, as many as chains.max_runs allows; wait "
                "for one to end, or cancel one",
                running.size()
            )
        );
    }
    if (request.priority.empty() && request.is_async) {
        request.priority = kLowClass;
    }
    RunContext context{
        .loop = surroundings.loop,
        .engines = surroundings.engines,
        .ask = surroundings.ask,
        .tools = tools,
        .metrics = metrics,
        .config = config,
        .request = std::move(request),
        .id = id,
        .log = RunLog(surroundings.loop),
    };
    auto run = std::make_shared<LiveRun>(std::move(context), journal, std::move(past));
    running.emplace(id, run);
    kLog.info("run of a chain begins", {{"chain", std::string_view(run->chain())}}, id);
    auto on_end = [keep = shared_from_this(), run, id] {
        keep->metrics.run_ended(run->status());
        keep->running.erase(id);
        keep->surroundings.loop.spawn(
            "prune runs of chains",
            keep->journal.prune(keep->config.keep_runs, keep->config.keep_for)
        );
    };
    surroundings.loop.spawn("chain run " + id, run->execute(run, std::move(on_end)));
    return run;
}

// A document that was good once may not be so under this configuration.
net::Task<Result<std::shared_ptr<Run>>> Chains::Impl::continue_run(store::StoredRun stored) {
    boost::system::error_code broken;
    auto document = json::parse(stored.document, broken);
    auto spec = check(document);
    if (!spec) {
        co_return fail(
            Errc::Conflict, fmt::format("run {} cannot go on: {}", stored.id, to_text(spec.error()))
        );
    }
    Past past;
    past.started = stored.started;
    auto steps = co_await journal.steps(stored.id);
    if (!steps) {
        co_return fail(std::move(steps).error());
    }
    auto events = co_await journal.events(stored.id, 0);
    if (!events) {
        co_return fail(std::move(events).error());
    }
    past.steps = std::move(*steps);
    past.events = std::move(*events);
    std::map<std::string, std::string> vars;
    auto const given = json::parse(stored.vars, broken);
    if (!broken && given.is_object()) {
        for (auto const& member : given.get_object()) {
            if (auto const* const text = member.value().if_string()) {
                vars[member.key()] = std::string(*text);
            }
        }
    }
    if (running.contains(stored.id)) {
        co_return fail(Errc::Conflict, fmt::format("run {} is running", stored.id));
    }
    co_return begin(
        stored.id,
        {.document = std::move(document),
         .spec = std::move(*spec),
         .chain = stored.chain,
         .input = stored.input,
         .vars = std::move(vars),
         .client = stored.client,
         .priority = std::string(kLowClass),  // whoever waited for it has gone
         .is_async = stored.is_async},
        std::move(past)
    );
}

net::Task<void> Chains::Impl::resume_all(std::shared_ptr<Impl> keep) {
    auto const left = co_await journal.runs("running", ~std::uint64_t{0} >> 1U);
    if (!left) {
        kLog.warning("Runs that were left cannot be read: " + left.error().message);
        co_return;
    }
    for (auto const& each : *left) {
        auto stored = co_await journal.run(each.id);
        if (!stored || is_draining || running.contains(each.id)) {
            continue;
        }
        std::string why(kLost);
        if (stored->is_durable) {
            auto const resumed = co_await continue_run(*stored);
            if (resumed) {
                kLog.info("going on with a run of a chain", {}, each.id);
                continue;
            }
            why = resumed.error().message;
        }
        kLog.warning("a run of a chain is lost: " + why, {}, each.id);
        metrics.run_ended(RunStatus::Failed);
        stored->status = to_string(RunStatus::Failed);
        stored->ended = wall_milliseconds();
        stored->result = json::serialize(json::object{{"output", ""}, {"error", why}});
        co_await journal.save(std::move(*stored), {});
    }
}

Chains::Chains(Surroundings surroundings, ChainsConfig config)
    : impl_(std::make_shared<Impl>(std::move(surroundings), std::move(config))) {}

Chains::~Chains() = default;

void Chains::start() {
    auto& loop = impl_->surroundings.loop;
    if (auto* const registry = impl_->surroundings.metrics) {
        registry->on_read([weak = std::weak_ptr(impl_)](metrics::Reading& reading) {
            if (auto const impl = weak.lock()) {
                tell_active_runs(reading, impl->running.size());
            }
        });
    }
    loop.spawn("resume runs of chains", impl_->resume_all(impl_));
    loop.spawn("read saved chains", [](auto impl) -> net::Task<void> {
        auto const read = co_await impl->saved();
        if (!read) {
            kLog.warning(read.error().message);
        }
    }(impl_));
}

void Chains::drain() {
    impl_->is_draining = true;
    auto const running = impl_->running;  // one may end while it is told
    for (auto const& [id, run] : running) {
        run->suspend();
    }
}

net::Task<void> Chains::stop() {
    while (!impl_->running.empty()) {
        auto const run = impl_->running.begin()->second;
        auto const ended = co_await run->wait(nullptr);
        static_cast<void>(ended);
        impl_->running.erase(run->id());
    }
    co_await impl_->tools.stop();
}

void Chains::reconfigure(ChainsConfig config) {
    impl_->tools.reconfigure(config.mcp_servers);
    impl_->config = std::move(config);
}

std::expected<Spec, std::vector<Problem>> Chains::check(json::value const& document) const {
    return impl_->check(document);
}

Result<std::shared_ptr<Run>> Chains::run(RunRequest request) {
    return impl_->begin(impl_->next_id(), std::move(request), std::nullopt);
}

std::shared_ptr<Run> Chains::find(std::string const& id) const {
    auto const found = impl_->running.find(id);
    return found == impl_->running.end() ? nullptr : found->second;
}

net::Task<Result<json::array>> Chains::runs(std::uint64_t most) {
    auto const impl = impl_;
    auto const stored = co_await impl->journal.runs("", most);
    if (!stored) {
        co_return fail(stored.error());
    }
    json::array out;
    for (auto const& each : *stored) {
        auto const live = impl->running.find(each.id);
        auto view = live == impl->running.end() ? view_of(each) : live->second->view();
        view.erase("steps");
        view.erase("output");  // each may be megabytes
        out.push_back(std::move(view));
    }
    co_return out;
}

net::Task<Result<json::object>> Chains::view(std::string id) {
    auto const impl = impl_;
    if (auto const run = find(id)) {
        co_return run->view();
    }
    auto const stored = co_await impl->journal.run(id);
    if (!stored) {
        co_return fail(stored.error());
    }
    auto const steps = co_await impl->journal.steps(id);
    if (!steps) {
        co_return fail(steps.error());
    }
    auto out = view_of(*stored);
    json::array list;
    for (auto const& record : *steps) {
        list.push_back(to_json(record));
    }
    out["steps"] = std::move(list);
    co_return out;
}

net::Task<Result<std::vector<std::string>>> Chains::past_events(
    std::string id, std::uint64_t after_id
) {
    auto const impl = impl_;
    auto const stored = co_await impl->journal.run(id);
    if (!stored) {
        co_return fail(stored.error());
    }
    auto events = co_await impl->journal.events(id, after_id);
    if (!events) {
        co_return fail(std::move(events).error());
    }
    std::vector<std::string> out;
    for (auto& each : *events) {
        out.push_back(std::move(each.event));
    }
    co_return out;
}

net::Task<Result<std::shared_ptr<Run>>> Chains::resume(std::string id) {
    auto const impl = impl_;
    if (impl->running.contains(id)) {
        co_return fail(Errc::Conflict, fmt::format("run {} is running", id));
    }
    auto stored = co_await impl->journal.run(id);
    if (!stored) {
        co_return fail(std::move(stored).error());
    }
    if (stored->status == to_string(RunStatus::Succeeded)) {
        co_return fail(
            Errc::Conflict, fmt::format("run {} has succeeded; there is nothing to resume", id)
        );
    }
    co_return co_await impl->continue_run(std::move(*stored));
}

json::array Chains::mcp_servers() const {
    return impl_->tools.view();
}

proxy::VirtualModels& Chains::models() {
    return *impl_;
}

}  // namespace plimsoll::chain
