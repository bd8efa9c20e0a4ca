#include "app/doctor/checks.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iterator>

namespace plimsoll::app::doctor {
namespace {

constexpr std::size_t kMostNames = 5;

std::string names_of(std::vector<LoadedModel> const& models) {
    std::string out;
    for (std::size_t i = 0; i < models.size() && i < kMostNames; ++i) {
        out += (i == 0 ? "" : ", ") + printable(models[i].name, 100) + " (" +
               format_bytes(models[i].size) + ")";
    }
    return models.size() > kMostNames ? out + ", ..." : out;
}

Finding unreachable(UpstreamFacts const& upstream) {
    if (upstream.answer.is_tls_failure) {
        return problem(
            "upstream",
            fmt::format(
                "{}: no TLS with {}: {}", upstream.name, upstream.url, upstream.answer.error
            ),
            "upstream.tls_ca_file names the CA to trust; docs/tls.md has what to do for each of "
            "these sentences"
        );
    }
    auto const& unit_hint = upstream.is_local ? "start it (`systemctl start ollama`, or `ollama "
                                                "serve`), or name its address: upstream.url"
                                              : "start it there, open its firewall for this host, "
                                                "or name its address: upstream.url";
    return problem(
        "upstream",
        fmt::format(
            "{}: nothing answers at {}: {}", upstream.name, upstream.url, upstream.answer.error
        ),
        unit_hint
    );
}

Finding judge_upstream(UpstreamFacts const& upstream) {
    auto const& answer = upstream.answer;
    if (!answer.connected) {
        return unreachable(upstream);
    }
    if (answer.is_plimsoll) {
        return problem(
            "upstream",
            fmt::format(
                "{}: what answers at {} is Plimsoll, not a model server: requests would go round "
                "in a circle",
                upstream.name,
                upstream.url
            ),
            "set upstream.url to where Ollama listens; `ss -ltnp` shows who listens where"
        );
    }
    if (answer.version.empty()) {
        auto const what =
            answer.version_status == 0
                ? "it does not speak HTTP (" + printable(answer.error, 200) + ")"
                : fmt::format(
                      "GET /api/version gives status {} and no version", answer.version_status
                  );
        return problem(
            "upstream",
            fmt::format(
                "{}: what answers at {} is no Ollama: {}", upstream.name, upstream.url, what
            ),
            "set upstream.url to where Ollama listens; `ss -ltnp` shows who listens where"
        );
    }
    return ok(
        "upstream",
        fmt::format(
            "{}: Ollama {} answers at {}",
            upstream.name,
            printable(answer.version, 60),
            upstream.url
        )
    );
}

}  // namespace

Findings check_config(Facts const& facts) {
    Findings out;
    for (auto const& one : facts.config.problems) {
        out.push_back(problem(
            "config", config::to_string(one), "correct it; `plimsoll config check` checks again"
        ));
    }
    if (!out.empty()) {
        return out;
    }
    if (facts.config.sources.empty()) {
        return {ok("config", "no configuration file: the defaults are in force")};
    }
    for (auto const& source : facts.config.sources) {
        out.push_back(ok("config", source + ": right"));
    }
    return out;
}

namespace {

Findings judge_running(DaemonFacts const& daemon) {
    Findings out;
    if (!daemon.enabled) {
        out.push_back(warning(
            "daemon",
            "management is off: Plimsoll passes everything through, and no budget is kept",
            "set management.enabled = true, or start it without --no-management"
        ));
    }
    if (daemon.violations > 0) {
        out.push_back(problem(
            "daemon",
            fmt::format("{} loads were started over the budget", daemon.violations),
            "that is a defect of Plimsoll: please report it with a recording (serve --record)"
        ));
    }
    if (daemon.draining || !daemon.ready) {
        out.push_back(warning(
            "daemon",
            fmt::format(
                "Plimsoll {} at {} {}",
                printable(daemon.version, 40),
                daemon.url,
                daemon.draining ? "is ending" : "is not ready"
            ),
            daemon.draining ? "wait for its end, then start it again"
                            : "see the upstream below, and GET /readyz for the reasons"
        ));
    }
    if (out.empty()) {
        out.push_back(
            ok("daemon",
               fmt::format("Plimsoll {} runs at {}", printable(daemon.version, 40), daemon.url))
        );
    }
    return out;
}

}  // namespace

Findings check_daemon(Facts const& facts) {
    auto const& daemon = facts.daemon;
    if (daemon.is_tls_failure) {
        return {warning(
            "daemon",
            fmt::format("what listens at {} cannot be asked: {}", daemon.url, daemon.why),
            "name it as its certificate does, with the CA to trust: PLIMSOLL_CA_FILE=ca.crt "
            "plimsoll doctor --url https://NAME:PORT"
        )};
    }
    if (!daemon.is_ours) {
        return {problem(
            "daemon",
            fmt::format(
                "something answers at {}, but it is no Plimsoll: {}", daemon.url, daemon.why
            ),
            "choose another server.listen, or end what listens there; `ss -ltnp` names it"
        )};
    }
    if (daemon.refuses) {
        return {warning(
            "daemon",
            fmt::format("Plimsoll at {} does not answer this question: {}", daemon.url, daemon.why),
            "give the doctor a key of an operator: --key-file FILE or $PLIMSOLL_KEY"
        )};
    }
    if (!daemon.runs) {
        return {warning(
            "daemon",
            fmt::format("Plimsoll does not run at {}: {}", daemon.url, daemon.why),
            "start it with `plimsoll serve` or `systemctl start plimsoll`, or name its address "
            "with --url or PLIMSOLL_URL"
        )};
    }
    return judge_running(daemon);
}

Findings check_upstreams(Facts const& facts) {
    Findings out;
    for (auto const& upstream : facts.upstreams) {
        out.push_back(judge_upstream(upstream));
    }
    return out;
}

namespace {

// What the daemon knows to be of others, and what the servers list and it has not seen yet.
std::vector<LoadedModel> foreign_models(Facts const& facts) {
    auto const& known = facts.daemon.models;
    std::vector<LoadedModel> out;
    std::ranges::copy_if(known, std::back_inserter(out), &LoadedModel::foreign);
    for (auto const& upstream : facts.upstreams) {
        for (auto const& model : upstream.answer.loaded) {
            if (std::ranges::find(known, model.name, &LoadedModel::name) == known.end()) {
                out.push_back(model);
            }
        }
    }
    return out;
}

}  // namespace

Findings check_foreign_models(Facts const& facts) {
    if (facts.daemon.runs && !facts.daemon.enabled) {
        return {};  // it loads nothing
    }
    if (facts.daemon.runs) {
        auto const foreign = foreign_models(facts);
        if (!foreign.empty()) {
            return {warning(
                "foreign models",
                "in memory, but not loaded by Plimsoll: " + names_of(foreign),
                "point the clients that load them at " + facts.daemon.url +
                    "; `plimsoll unload MODEL` frees the memory now"
            )};
        }
        auto const& own = facts.daemon.models;
        return {
            ok("foreign models",
               own.empty() ? "nothing is in memory"
                           : "all in memory was loaded by Plimsoll: " + names_of(own))
        };
    }
    Findings out;
    for (auto const& upstream : facts.upstreams) {
        if (!upstream.answer.loaded.empty()) {
            out.push_back(
                ok("foreign models",
                   fmt::format(
                       "{}: in memory already: {}; Plimsoll takes them over when it starts",
                       upstream.name,
                       names_of(upstream.answer.loaded)
                   ))
            );
        }
    }
    return out;
}

}  // namespace plimsoll::app::doctor
