#include "app/doctor/gather.hpp"

#include "app/application.hpp"
#include "app/device.hpp"
#include "app/doctor/ask.hpp"
#include "app/json_view.hpp"
#include "app/process.hpp"

#include <plimsoll/base/address.hpp>
#include <plimsoll/base/text.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace plimsoll::app::doctor {
namespace {

constexpr char const* kServiceState = "/var/lib/plimsoll/state.db";

// Not about another daemon that the user names.
bool is_about_service(DoctorOptions const& options) {
    return !options.config && options.url.empty();
}

// What the service is given by its unit counts for it, not for this shell.
config::Overrides overrides_of(DoctorOptions const& options, Places const& places) {
    auto out = options.flags;
    auto const unit = is_about_service(options) && has_systemd(places.root)
                          ? show_unit("plimsoll.service")
                          : Result<Unit>(fail(Errc::NotFound, ""));
    if (!unit || !unit->exists()) {
        return out;
    }
    std::vector<char const*> lines;
    for (auto const& line : unit->environment) {
        lines.push_back(line.c_str());
    }
    lines.push_back(nullptr);
    for (auto const& one : config::environment_overrides(lines.data())) {
        bool const is_given = std::ranges::any_of(options.flags, [&](auto const& flag) {
            return flag.first == one.first;
        });
        if (!is_given) {
            out.push_back(one);
        }
    }
    return out;
}

ConfigFacts read_config(DoctorOptions const& options, Places const& places) {
    ConfigFacts out;
    auto loaded = load_config(options.config, overrides_of(options, places));
    if (loaded) {
        out.sources = std::move(loaded->sources);
        out.config = std::move(loaded->config);
        return out;
    }
    out.problems = std::move(loaded.error());
    if (auto defaults = config::parse("", "")) {
        out.config = std::move(*defaults);
    }
    return out;
}

// Where the daemon is to be found: as the user says, else where the configuration lets it listen.
std::string daemon_url(DoctorOptions const& options, config::Config const& config) {
    if (!options.url.empty()) {
        return options.url;
    }
    if (char const* url = std::getenv("PLIMSOLL_URL"); url != nullptr && *url != '\0') {
        return url;
    }
    bool const has_admin = !config.admin.address.empty();
    auto const& address = has_admin ? config.admin.address : config.server.address;
    if (net::unix_path(address)) {
        return address;
    }
    auto const host = is_any_address(address) ? std::string("127.0.0.1") : address;
    auto const port = has_admin ? config.admin.port : config.server.port;
    return (config.tls.files.is_set() ? "https://" : "http://") + authority_of(host, port);
}

CertificateFacts look_at_certificate(net::TlsServerFiles const& files) {
    CertificateFacts out;
    out.is_configured = files.is_set();
    if (!out.is_configured) {
        return out;
    }
    if (auto const made = net::make_server_tls(files)) {
        out.facts = net::certificate_facts(**made);
    } else {
        out.problem = made.error().message;
    }
    return out;
}

// Files that hold secrets.
std::vector<FileFacts> look_at_keys(config::Config const& config) {
    std::vector<std::filesystem::path> files = {config.tls.files.key, key_file_of(config)};
    for (auto const& upstream : config.upstreams) {
        files.emplace_back(upstream.upstream.tls.key);
        files.emplace_back(upstream.api_key_file);
    }
    std::vector<FileFacts> out;
    for (auto const& file : files) {
        if (!file.empty()) {
            out.push_back(look_at(file));
        }
    }
    return out;
}

// The daemon's, where the configuration names none. Of a service with a user of its own: the folder
// that systemd keeps for it, whoever asks.
StateFacts look_at_state_of(
    config::Config const& config, DoctorOptions const& options, std::optional<Unit> const& unit
) {
    bool const is_of_service =
        is_about_service(options) && unit && unit->exists() && config.state_file.empty();
    StateFacts out;
    if (is_of_service && ::geteuid() != 0) {
        out.file.path = kServiceState;
        out.is_hidden = true;
        return out;
    }
    return look_at_state(
        is_of_service               ? std::filesystem::path(kServiceState)
        : config.state_file.empty() ? default_state_file()
                                    : config.state_file
    );
}

void find_place(UpstreamFacts& upstream) {
    if (auto const parts = upstream::parse_url(upstream.url)) {
        upstream.host = parts->host;
        upstream.port = parts->port;
        upstream.is_local = is_loopback(parts->host);
    }
}

UpstreamFacts from_config(config::UpstreamSettings const& settings, DeviceFacts const& device) {
    UpstreamFacts out;
    out.name = settings.upstream.name;
    out.url = settings.upstream.url;
    out.tls = settings.upstream.tls;
    out.api_key = settings.upstream.api_key;
    find_place(out);
    auto const& engine = settings.engine;
    out.max_loaded = engine.scheduler.max_loaded_models;
    out.parallel = engine.scheduler.parallel;
    out.kv_type = memory::to_string(engine.kv_type);
    out.flash_attention = memory::to_string(engine.flash_attention);
    if (engine.default_num_ctx_is_known) {
        out.default_ctx = engine.default_num_ctx;
    }
    out.load_timeout = settings.upstream.load_timeout;
    std::vector<Bytes> totals;
    for (auto const& card : device.cards) {
        totals.push_back(out.is_local ? card.total : Bytes());
    }
    out.budget = config::resolve_budget(
                     settings.budget,
                     settings.reserve,
                     out.is_local ? totals : std::vector<Bytes>(),
                     host_memory(),
                     out.budget_warning
    )
                     .budget;
    return out;
}

// What the running daemon says of an upstream counts more than what the configuration would give.
UpstreamFacts from_daemon(JsonView row, std::vector<UpstreamFacts> const& configured) {
    UpstreamFacts out;
    auto const known = std::ranges::find_if(configured, [&](UpstreamFacts const& one) {
        return one.name == row["name"].text() && one.url == row["url"].text();
    });
    if (known != configured.end()) {
        out = *known;
    }
    out.name = row["name"].text();
    out.url = row["url"].text();
    find_place(out);
    out.max_loaded = row["max_loaded_models"].count();
    out.parallel = row["parallel"].count();
    out.kv_type = row["kv_cache_type"].text();
    out.flash_attention = row["flash_attention"].text();
    auto const context = row["default_num_ctx"];
    out.default_ctx = context.exists() ? std::optional(context.count()) : std::nullopt;
    out.over_budget = row["over_budget"].is_true();
    if (out.budget != Bytes(row["budget_bytes"].count())) {
        out.budget_warning.clear();  // another budget is in force than the one that it is about
    }
    out.budget = Bytes(row["budget_bytes"].count());
    return out;
}

DeviceFacts look_at_cards(config::Config const& config) {
    DeviceFacts out;
    auto found = probe::find_probe({.nvml = config.nvml_library, .drm = config.drm_folder});
    out.problem = found.problem;
    if (!found.probe) {
        return out;
    }
    auto cards = found.probe->read();
    if (!cards) {
        out.problem = cards.error().message;
        return out;
    }
    out.source = found.probe->source();
    out.cards = std::move(*cards);
    if (out.source != "NVML") {
        out.processes_problem = out.source + " does not tell which programs use a card";
        return out;
    }
    auto processes = probe::nvml_processes(config.nvml_library);
    if (!processes) {
        out.processes_problem = processes.error().message;
        return out;
    }
    for (auto& one : *processes) {
        out.processes.push_back({std::move(one), {}, false});
    }
    return out;
}

void find_process(UpstreamFacts& upstream, Facts const& facts, Places const& places) {
    auto& process = upstream.process;
    if (!upstream.is_local) {
        return;
    }
    if (auto const* listener = facts.sockets.at(upstream.host, upstream.port)) {
        process.listener = *listener;
    }
    if (process.listener && process.listener->pid) {
        auto read = read_environment(places.proc, *process.listener->pid);
        if (read) {
            process.environment = std::move(*read);
            process.source = "process " + std::to_string(*process.listener->pid);
            return;
        }
        process.why_not = read.error().message;
    } else if (process.listener) {
        process.why_not = "its process belongs to user " + std::to_string(process.listener->uid) +
                          " and cannot be seen by this one";
    } else {
        process.why_not = "no process of this host is seen to listen there (a container?)";
    }
}

// What systemd tells anybody of the unit stands in for the environment of its process.
void ask_unit(UpstreamFacts& upstream, std::optional<Unit> const& unit) {
    auto& process = upstream.process;
    bool const is_running = unit && unit->exists() && unit->active_state == "active";
    if (process.environment || !upstream.is_local || !is_running ||
        !unit->environment_files.empty()) {
        return;
    }
    Environment environment;
    for (auto const& line : unit->environment) {
        auto const equals = line.find('=');
        if (equals != std::string::npos) {
            environment.insert_or_assign(line.substr(0, equals), line.substr(equals + 1));
        }
    }
    process.environment = std::move(environment);
    process.source = "systemctl show " + unit->name;
}

void name_card_users(DeviceFacts& device, std::set<int> const& servers, Places const& places) {
    for (auto& one : device.processes) {
        one.command = command_of(places.proc, one.process.pid);
        one.is_of_server = servers.contains(one.process.pid) || one.command.starts_with("ollama");
    }
}

}  // namespace

Facts gather(DoctorOptions const& options, Places const& places) {
    Facts facts;
    facts.config = read_config(options, places);
    auto const& config = facts.config.config;
    facts.device = look_at_cards(config);
    auto daemon = ask_daemon(daemon_url(options, config), options.key_file);
    facts.daemon = std::move(daemon.facts);
    for (auto const& settings : config.upstreams) {
        facts.upstreams.push_back(from_config(settings, facts.device));
    }
    if (facts.daemon.runs) {
        auto const configured = std::exchange(facts.upstreams, {});
        for (auto const& row : JsonView(daemon.status)["upstreams"].items()) {
            facts.upstreams.push_back(from_daemon(row, configured));
        }
    }
    std::uint16_t daemon_port = config.server.port;
    if (auto const parts = upstream::parse_url(facts.daemon.url)) {
        daemon_port = parts->port;
    }
    std::vector<std::uint16_t> ports = {config.server.port, daemon_port};
    for (auto& upstream : facts.upstreams) {
        upstream.answer = ask_server(upstream.url, upstream.tls, upstream.api_key);
        ports.push_back(upstream.port);
    }
    facts.sockets = read_sockets(places.proc, ports);
    std::set<int> servers;
    for (auto& upstream : facts.upstreams) {
        find_process(upstream, facts, places);
        if (upstream.process.listener && upstream.process.listener->pid) {
            servers.merge(family_of(places.proc, *upstream.process.listener->pid));
        }
    }
    auto const* own = facts.daemon.runs ? facts.sockets.at("127.0.0.1", daemon_port) : nullptr;
    facts.host = look_at_host(places, own != nullptr ? own->pid : std::nullopt, servers);
    for (auto& upstream : facts.upstreams) {
        ask_unit(upstream, facts.host.ollama_unit);
    }
    name_card_users(facts.device, servers, places);
    facts.state = look_at_state_of(config, options, facts.host.plimsoll_unit);
    facts.certificate = look_at_certificate(config.tls.files);
    facts.key_files = look_at_keys(config);
    for (auto const& source : facts.config.sources) {
        facts.config_files.push_back(look_at(source));
    }
    return facts;
}

}  // namespace plimsoll::app::doctor
