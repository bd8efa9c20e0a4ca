#include "config/reader.hpp"
#include "config/special_kinds.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <cstddef>
#include <set>

namespace plimsoll::config {

namespace {

Origin origin_of(Report const& report, std::string const& path) {
    auto const found = report.origins.find(path);
    return found == report.origins.end() ? Origin{} : found->second;
}

bool is_this_machine(std::string_view host) {
    return host == "localhost" || host.starts_with("127.") || host == "::1" || host == "0.0.0.0" ||
           host == "::";
}

// Requests would go round for ever.
void check_loop(
    Config const& config, UpstreamSettings const& settings, std::string const& path, Report& report
) {
    std::optional<Authority> const target = authority_of(settings.upstream.url);
    bool const is_same_port = target && target->port == config.server.port;
    bool const is_same_host =
        target && (iequals(target->host, config.server.address) ||
                   (is_this_machine(target->host) && is_this_machine(config.server.address)));
    if (is_same_port && is_same_host) {
        Origin const origin = report.origins.contains(path + ".url")
                                  ? origin_of(report, path + ".url")
                                  : origin_of(report, "server.listen");
        report.add(
            origin,
            fmt::format(
                "the upstream {} is the address on which Plimsoll itself listens; change \"url\" "
                "in [[upstream]] or "
                "\"listen\" in [server]",
                printable(settings.upstream.url, 100)
            )
        );
    }
}

// `path` names the section by which origins are found, `title` for people.
void check_pair(
    std::string const& certificate,
    std::string const& key,
    std::string const& path,
    std::string_view title,
    Report& report
) {
    if (certificate.empty() != key.empty()) {
        auto const* const set = certificate.empty() ? "tls_key" : "tls_certificate";
        auto const* const lacks = certificate.empty() ? "tls_certificate" : "tls_key";
        report.add(
            origin_of(report, path + "." + set),
            fmt::format("\"{}\" in {} wants \"{}\" beside it", set, title, lacks)
        );
    }
}

// Settings that would do nothing are a mistake about what is secure.
void check_client_tls(
    net::TlsClientSettings const& tls,
    std::string_view url,
    std::string const& path,
    std::string_view title,
    Report& report
) {
    check_pair(tls.certificate, tls.key, path, title, report);
    if (istarts_with(url, "https://") || tls == net::TlsClientSettings{}) {
        return;
    }
    for (auto const* const key : {"tls_ca_file", "tls_verify", "tls_certificate", "tls_key"}) {
        if (report.origins.contains(path + "." + key)) {
            report.add(
                origin_of(report, path + "." + key),
                fmt::format("\"{}\" in {} is of TLS, but its \"url\" is not https://", key, title)
            );
            return;
        }
    }
}

void check_mcp_servers(Config const& config, Report& report) {
    std::set<std::string> ids;
    for (std::size_t i = 0; i < config.chains.mcp_servers.size(); ++i) {
        auto const& server = config.chains.mcp_servers[i];
        Origin const origin = origin_of(report, fmt::format("mcp_server.{}", i));
        if (server.id.empty()) {
            report.add(origin, "[[mcp_server]] lacks \"id\", by which chains name it");
        } else if (!ids.insert(server.id).second) {
            report.add(
                origin,
                fmt::format(
                    "two MCP servers have the id \"{}\"; give each its own \"id\"", server.id
                )
            );
        }
        if (server.command.empty() == server.url.empty()) {
            report.add(
                origin,
                "[[mcp_server]] wants one of \"command\" (a program that is started) and \"url\" "
                "(a "
                "server that runs already)"
            );
        }
        check_client_tls(
            server.tls, server.url, fmt::format("mcp_server.{}", i), "[[mcp_server]]", report
        );
    }
}

}  // namespace

void cross_check(Config const& config, Report& report) {
    if (config.proxy.max_bodies < config.proxy.max_body) {
        std::string const at =
            report.origins.contains("server.max_bodies") ? "server.max_bodies" : "server.max_body";
        report.add(
            origin_of(report, at),
            fmt::format(
                "\"max_bodies\" in [server] is {}, less than \"max_body\", {}: no body of that "
                "size could be taken",
                format_bytes(Bytes(config.proxy.max_bodies)),
                format_bytes(Bytes(config.proxy.max_body))
            )
        );
    }
    auto const& files = config.tls.files;
    check_pair(files.certificate, files.key, "server", "[server]", report);
    check_mcp_servers(config, report);
    std::set<std::string> names;
    for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
        UpstreamSettings const& settings = config.upstreams[i];
        std::string const path = fmt::format("upstream.{}", i);
        if (!names.insert(settings.upstream.name).second) {
            report.add(
                origin_of(report, report.origins.contains(path + ".name") ? path + ".name" : path),
                fmt::format(
                    "two upstreams have the name \"{}\"; give each its own \"name\"",
                    settings.upstream.name
                )
            );
        }
        check_loop(config, settings, path, report);
        check_client_tls(
            settings.upstream.tls, settings.upstream.url, path, "[[upstream]]", report
        );
    }
    if (!config.upstreams.empty()) {
        core::SchedulerConfig const& scheduler = config.upstreams.front().engine.scheduler;
        if (scheduler.bar_last < scheduler.bar_first) {
            report.add(
                origin_of(
                    report,
                    report.origins.contains("scheduler.bar_last") ? "scheduler.bar_last"
                                                                  : "scheduler.bar_first"
                ),
                fmt::format(
                    "\"bar_last\" in [scheduler] is {}, shorter than \"bar_first\", {}",
                    format_duration(scheduler.bar_last),
                    format_duration(scheduler.bar_first)
                )
            );
        }
    }
}

}  // namespace plimsoll::config
