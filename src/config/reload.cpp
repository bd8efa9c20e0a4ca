#include <plimsoll/config/config.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::config {

namespace {

// A provider takes its settings when it is made, and its connections live as long as it does.
bool is_same_provider(upstream::UpstreamConfig const& a, upstream::UpstreamConfig const& b) {
    return a.provider == b.provider && a.url == b.url && a.tls == b.tls && a.timeout == b.timeout &&
           a.max_retries == b.max_retries && a.retry_first == b.retry_first &&
           a.load_timeout == b.load_timeout && a.stream_first == b.stream_first &&
           a.stream_idle == b.stream_idle && a.answer_timeout == b.answer_timeout &&
           a.api_key == b.api_key && a.connect_timeout == b.connect_timeout &&
           a.health_interval == b.health_interval && a.health_retry == b.health_retry;
}

std::string listen_text(std::string const& address, std::uint16_t port) {
    if (address.empty()) {
        return "none";
    }
    return net::unix_path(address) ? address : fmt::format("{}:{}", address, port);
}

UpstreamSettings const* find_upstream(Config const& config, std::string const& name) {
    auto const found =
        std::ranges::find_if(config.upstreams, [&name](UpstreamSettings const& settings) {
            return settings.upstream.name == name;
        });
    return found == config.upstreams.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> needs_restart(Config const& running, Config const& wanted) {
    std::vector<std::string> changes;
    auto const running_at = listen_text(running.server.address, running.server.port);
    auto const wanted_at = listen_text(wanted.server.address, wanted.server.port);
    if (running_at != wanted_at) {
        changes.push_back(
            fmt::format("[server] listen: {} stays, {} is wanted", running_at, wanted_at)
        );
    }
    if (running.admin != wanted.admin) {
        changes.push_back(fmt::format(
            "[admin] listen: {} stays, {} is wanted",
            listen_text(running.admin.address, running.admin.port),
            listen_text(wanted.admin.address, wanted.admin.port)
        ));
    }
    if (running.tls.files.is_set() != wanted.tls.files.is_set()) {
        changes.push_back(
            wanted.tls.files.is_set() ? "[server] tls_certificate: the listeners have no TLS"
                                      : "[server] tls_certificate: the listeners keep their TLS"
        );
    }
    if (running.state_file != wanted.state_file) {
        changes.push_back(fmt::format("state_file: {} is wanted", wanted.state_file.string()));
    }
    if (running.nvml_library != wanted.nvml_library || running.drm_folder != wanted.drm_folder) {
        changes.push_back("[device]: where the drivers are asked changed");
    }
    if (running.record != wanted.record) {
        changes.push_back(
            wanted.record.empty() ? "record: no recording is wanted"
                                  : fmt::format("record: {} is wanted", wanted.record.string())
        );
    }
    for (UpstreamSettings const& settings : wanted.upstreams) {
        UpstreamSettings const* const old = find_upstream(running, settings.upstream.name);
        if (old == nullptr) {
            changes.push_back(fmt::format("[[upstream]] {}: added", settings.upstream.name));
        } else if (!is_same_provider(old->upstream, settings.upstream)) {
            changes.push_back(fmt::format(
                "[[upstream]] {}: its url, provider, credential, time-outs or retries changed",
                settings.upstream.name
            ));
        }
    }
    for (UpstreamSettings const& settings : running.upstreams) {
        if (find_upstream(wanted, settings.upstream.name) == nullptr) {
            changes.push_back(fmt::format("[[upstream]] {}: removed", settings.upstream.name));
        }
    }
    return changes;
}

}  // namespace plimsoll::config
