#include "app/doctor/checks.hpp"
#include "app/doctor/client_host.hpp"
#include "app/process.hpp"

#include <plimsoll/base/address.hpp>
#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::app::doctor {
namespace {

std::string who(Listener const& listener) {
    if (listener.pid) {
        return fmt::format("{} (process {})", printable(listener.command, 60), *listener.pid);
    }
    return fmt::format("a process of user {}", listener.uid);
}

// Whether a client that connects to `host` and `port` on this machine reaches that upstream.
bool reaches(ClientHost const& client, UpstreamFacts const& upstream) {
    bool const is_here = is_loopback(client.host) || is_any_address(client.host);
    bool const is_same_host = iequals(client.host, upstream.host) || (is_here && upstream.is_local);
    return client.port == upstream.port && is_same_host;
}

bool is_doors_own(Facts const& facts, ClientHost const& client) {
    auto const& server = facts.config.config.server;
    bool const is_here = is_loopback(client.host) || is_any_address(client.host);
    return client.port == server.port &&
           (is_here || iequals(client.host, server.address) || is_any_address(server.address));
}

// Programs that are connected to an upstream past Plimsoll. Connections whose owner the kernel does
// not name to us may be Plimsoll's own, and are left out.
std::vector<std::string> direct_users(Facts const& facts, UpstreamFacts const& upstream) {
    std::vector<std::string> out;
    auto const add = [&out](std::string one) {
        if (std::ranges::find(out, one) == out.end()) {
            out.push_back(std::move(one));
        }
    };
    for (auto const& one : facts.sockets.connections) {
        bool const is_clients_end = one.remote_port == upstream.port && is_loopback(one.remote);
        bool const is_from_outside =
            one.local_port == upstream.port && !is_loopback(one.remote) && one.remote != one.local;
        if (is_from_outside) {
            add("a client at " + one.remote);
        } else if (is_clients_end && one.pid && one.command != "plimsoll") {
            add(fmt::format("{} (process {})", printable(one.command, 60), *one.pid));
        }
    }
    return out;
}

Findings judge_client_host(Facts const& facts, std::string_view where, std::string const& value) {
    auto const client = parse_client_host(value);
    if (is_doors_own(facts, client)) {
        return {ok("clients", fmt::format("OLLAMA_HOST {} is {}: Plimsoll", where, value))};
    }
    for (auto const& upstream : facts.upstreams) {
        if (reaches(client, upstream)) {
            auto const& server = facts.config.config.server;
            return {warning(
                "clients",
                fmt::format(
                    "OLLAMA_HOST {} is {}: clients reach {} past Plimsoll, and what they load is "
                    "not planned for",
                    where,
                    printable(value, 100),
                    upstream.name
                ),
                "export OLLAMA_HOST=" + authority_of(server.address, server.port) +
                    " (or `plimsoll takeover`, which puts Plimsoll where clients look)"
            )};
        }
    }
    return {
        ok("clients",
           fmt::format("OLLAMA_HOST {} is {}: neither Plimsoll nor its upstream", where, value))
    };
}

}  // namespace

Findings check_ports(Facts const& facts) {
    if (!facts.config.problems.empty()) {
        return {};
    }
    auto const& server = facts.config.config.server;
    auto const where = authority_of(server.address, server.port);
    Findings out;
    for (auto const& upstream : facts.upstreams) {
        ClientHost const own{server.address, server.port};
        if (reaches(own, upstream)) {
            out.push_back(problem(
                "ports",
                fmt::format(
                    "server.listen and upstream.url are the same address, {}: Plimsoll would talk "
                    "to itself, or find its port taken",
                    where
                ),
                "move one of them: `plimsoll takeover` moves Ollama and puts Plimsoll in its place"
            ));
        }
    }
    if (!out.empty()) {
        return out;
    }
    if (net::unix_path(server.address) || server.port == 0) {
        return {ok("ports", where + ": no port that others could take")};
    }
    auto const* listener = facts.sockets.at(server.address, server.port);
    // The daemon that was asked may be another one, and listen elsewhere.
    auto const& daemon = facts.daemon;
    bool const is_asked = daemon.url.ends_with(":" + std::to_string(server.port)) &&
                          (daemon.runs || daemon.refuses || daemon.is_tls_failure);
    if (is_asked || (listener != nullptr && listener->command == "plimsoll")) {
        return {ok("ports", where + ": Plimsoll listens there")};
    }
    if (listener != nullptr) {
        return {problem(
            "ports",
            fmt::format("{} is taken by {}: Plimsoll cannot start", where, who(*listener)),
            "end that program, or choose another server.listen"
        )};
    }
    return {ok("ports", where + " is free")};
}

Findings check_exposure(Facts const& facts) {
    Findings out;
    auto const& config = facts.config.config;
    if (!is_loopback(config.server.address)) {
        bool const has_tls = config.tls.files.is_set();
        bool const has_keys = config.access.is_closed;
        auto const where = authority_of(config.server.address, config.server.port);
        if (has_tls && has_keys) {
            out.push_back(ok("exposure", where + " is open to other machines, with keys and TLS"));
        } else {
            out.push_back(warning(
                "exposure",
                fmt::format(
                    "other machines reach {}{}{}",
                    where,
                    has_keys ? "" : ", and may do everything there, without a key",
                    has_tls ? "" : ", and all that is said can be read on the way"
                ),
                "listen on 127.0.0.1, or make keys (docs/security.md) and set "
                "server.tls_certificate (docs/tls.md)"
            ));
        }
    }
    for (auto const& upstream : facts.upstreams) {
        auto const& listener = upstream.process.listener;
        if (upstream.is_local && listener && !is_loopback(listener->address)) {
            out.push_back(warning(
                "exposure",
                fmt::format(
                    "{}: the server listens on {}: other machines reach it past Plimsoll",
                    upstream.name,
                    authority_of(listener->address, listener->port)
                ),
                fmt::format("set OLLAMA_HOST=127.0.0.1:{} where it is started", upstream.port)
            ));
        }
    }
    if (out.empty()) {
        out.push_back(ok("exposure", "Plimsoll listens on this machine only"));
    }
    return out;
}

Findings check_bypass(Facts const& facts) {
    Findings out;
    for (auto const& upstream : facts.upstreams) {
        if (!upstream.is_local || !upstream.answer.connected) {
            continue;
        }
        std::string names;
        for (auto const& one : direct_users(facts, upstream)) {
            names += (names.empty() ? "" : ", ") + one;
        }
        if (!names.empty()) {
            out.push_back(warning(
                "bypass",
                fmt::format("{}: connected past Plimsoll now: {}", upstream.name, names),
                "point them at " +
                    authority_of(
                        facts.config.config.server.address, facts.config.config.server.port
                    ) +
                    "; what they load is not planned for"
            ));
        } else {
            out.push_back(
                ok("bypass",
                   fmt::format(
                       "{}: nothing that can be seen is connected past Plimsoll now", upstream.name
                   ))
            );
        }
    }
    return out;
}

Findings check_clients(Facts const& facts) {
    Findings out;
    auto const& shell = facts.host.shell;
    if (auto const set = shell.find("OLLAMA_HOST"); set != shell.end() && !set->second.empty()) {
        out = judge_client_host(facts, "of this shell", set->second);
    }
    if (auto const& login = facts.host.login_ollama_host; !login.empty()) {
        for (auto& finding : judge_client_host(facts, "of /etc/environment", login)) {
            out.push_back(std::move(finding));
        }
    }
    if (!out.empty()) {
        return out;
    }
    ClientHost const standard;
    for (auto const& upstream : facts.upstreams) {
        if (reaches(standard, upstream)) {
            return {ok(
                "clients",
                "OLLAMA_HOST is not set here: clients without it reach Ollama at 127.0.0.1:11434 "
                "past Plimsoll; `plimsoll takeover` changes that for all of them"
            )};
        }
    }
    return {
        ok("clients",
           is_doors_own(facts, standard)
               ? "OLLAMA_HOST is not set here: clients without it reach Plimsoll at 127.0.0.1:11434"
               : "OLLAMA_HOST is not set here; clients need it to find Plimsoll")
    };
}

}  // namespace plimsoll::app::doctor
