#include "config/settings.hpp"

#include "config/setting_limits.hpp"
#include "config/special_kinds.hpp"

#include <plimsoll/base/text.hpp>

#include <chrono>
#include <cstdint>

namespace plimsoll::config {

using namespace std::chrono_literals;

namespace {

constexpr Duration kLeastHeartbeat = 100ms;  // each one is a write to every client that waits

std::optional<std::string> check_mcp_url(std::string_view text) {
    return istarts_with(text, "http://") || istarts_with(text, "https://")
               ? std::nullopt
               : std::optional("a URL; write \"http://HOST:PORT/mcp\" or \"https://HOST/mcp\"");
}

void visit_limits(Visitor& v, Config& config) {
    v.setting(
        "max_body",
        size_number(config.proxy.max_body, kibibytes(1), gibibytes(16)),
        "The largest body of a request that is read whole; 413 above."
    );
    v.setting(
        "max_bodies",
        size_number(config.proxy.max_bodies, kibibytes(1), gibibytes(256)),
        "The most bytes that the bodies of all requests may hold at once; 503 above."
    );
    v.setting(
        "max_decoded_body",
        size_number(config.proxy.max_decoded, kibibytes(1), gibibytes(16)),
        "The largest compressed body, after decoding."
    );
    v.setting(
        "max_head",
        size_number(config.server.head.max_head, kibibytes(1), mebibytes(1)),
        "The largest request line and fields together."
    );
    v.setting(
        "max_target",
        size_number(config.server.head.max_target, Bytes(256), mebibytes(1)),
        "The largest path and query of a request."
    );
    v.setting(
        "max_fields",
        whole(config.server.head.max_fields, 10, 10'000),
        "The most fields that the head of a request may have."
    );
    v.setting(
        "max_connections",
        whole(config.server.max_connections, 1, 1'000'000),
        "The most open connections of clients; one more is answered with 503 and closed."
    );
}

void visit_client_times(Visitor& v, Config& config) {
    v.setting(
        "head_timeout",
        duration(config.server.head_timeout, kLeastTimeout, kMostTimeout),
        "How long the head of a request may take from its first byte to its last."
    );
    v.setting(
        "idle_timeout",
        duration(config.server.idle_timeout, kLeastTimeout, kMostTimeout),
        "How long an open connection may stay without a request."
    );
    v.setting(
        "read_timeout",
        duration(config.server.read_timeout, kLeastTimeout, kMostTimeout),
        "How long a client may send nothing in the middle of a body."
    );
    v.setting(
        "write_timeout",
        duration(config.server.write_timeout, kLeastTimeout, kMostTimeout),
        "How long a client may read nothing while its answer waits."
    );
    v.setting(
        "queue_heartbeat",
        pause(config.proxy.queue_heartbeat, kLeastHeartbeat, kMostTimeout),
        "A stream that waits this long in the queue gets its head, and after each further such "
        "time a sign of life; 0: never."
    );
    v.setting(
        "drain_timeout",
        duration(config.drain_timeout, 0s, kMostTimeout),
        "How long running answers may go on when Plimsoll is told to stop."
    );
}

}  // namespace

void visit_server(Visitor& v, Config& config) {
    v.setting(
        "listen",
        listen_address(config.server.address, config.server.port),
        "Where clients connect: ADDRESS:PORT (IPv6 in brackets, port 0 for any free one) or "
        "unix:/PATH. A change needs a restart."
    );
    visit_limits(v, config);
    visit_client_times(v, config);
    v.setting(
        "check_host",
        boolean(config.proxy.origins.check_host),
        "Refuses foreign Host fields where the listener is local, against DNS rebinding."
    );
    v.setting(
        "allowed_hosts",
        list(config.proxy.origins.allowed_hosts, check_host_pattern),
        "Names it is called by besides local ones, such as \"gpu.example.org\" or "
        "\"*.example.org\"."
    );
    v.setting(
        "allowed_origins",
        list(config.proxy.origins.allowed_origins, check_origin_pattern),
        "Web pages that may call it besides local ones and apps, such as "
        "\"https://app.example.org\"."
    );
    v.setting(
        "allow_open_listen",
        boolean(config.access.allows_open_listen),
        "Listen beyond this machine although keys or TLS are missing: whoever reaches the address "
        "may read or do what they find there."
    );
    v.setting(
        "tls_certificate",
        text(config.tls.files.certificate, check_path),
        "PEM file with the certificate of this server and those between it and its root; empty: no "
        "TLS."
    );
    v.setting(
        "tls_key",
        text(config.tls.files.key, check_path),
        "PEM file with the key of that certificate, without a passphrase."
    );
    v.setting(
        "tls_check_interval",
        duration(config.tls.check_interval, 0s, kMostTimeout),
        "How often both files are looked at for a new certificate; 0: only on SIGHUP."
    );
}

void visit_admin(Visitor& v, AdminSettings& admin) {
    v.setting(
        "listen",
        optional_listen_address(admin.address, admin.port),
        "Address and port, or \"unix:/path\", of a listener of its own for administration; empty: "
        "none."
    );
}

void visit_chains(Visitor& v, chain::ChainsConfig& config, ChainTexts& texts) {
    texts.directory = config.directory.string();
    v.setting(
        "directory",
        text(texts.directory, check_path),
        "Where saved chains lie; empty: beside the state file."
    );
    config.directory = texts.directory;
    v.setting(
        "max_runs", whole(config.max_runs, 1, 10'000), "The most runs at a time; more are refused."
    );
    v.setting(
        "keep_runs", whole(config.keep_runs, 0, 1'000'000), "How many ended runs are remembered."
    );
    v.setting(
        "keep_for",
        duration(config.keep_for, 0s, kMostKeepAlive),
        "For how long they are remembered."
    );
    v.setting(
        "max_text",
        size_number(config.max_text, kibibytes(1), gibibytes(1)),
        "The largest prompt and the largest answer of a step."
    );
}

void visit_mcp_server(Visitor& v, chain::McpServerConfig& config) {
    v.setting("id", text(config.id, check_upstream_name), "What chains call it.");
    v.setting(
        "command",
        text(config.command, check_path),
        "The program that is started; instead of a URL."
    );
    v.setting(
        "args", list(config.args, [](std::string_view) { return std::nullopt; }), "Its arguments."
    );
    v.setting("env", text_table(config.env), "All the environment that it gets.");
    v.setting(
        "url",
        text(config.url, check_mcp_url),
        "Where a server answers that runs already; instead of a program."
    );
    visit_client_tls(v, config.tls);
    v.setting("headers", text_table(config.headers), "Fields of each request to that URL.");
    v.setting(
        "start_timeout",
        duration(config.start_timeout, kLeastTimeout, kMostTimeout),
        "How long it may take to start."
    );
    v.setting(
        "call_timeout",
        duration(config.call_timeout, kLeastTimeout, kMostTimeout),
        "How long a call may go on without a sign of progress."
    );
    v.setting(
        "idle_timeout",
        duration(config.idle_timeout, kLeastTimeout, kMostTimeout),
        "Unused for so long, it is stopped."
    );
    v.setting(
        "max_result",
        size_number(config.max_result, kibibytes(1), gibibytes(1)),
        "The largest result of a call."
    );
}

void visit_device(Visitor& v, Config& config) {
    v.setting(
        "nvml_library",
        text(config.nvml_library, check_path),
        "NVIDIA's library that is asked for the cards' memory; empty: not asked."
    );
    v.setting(
        "drm_folder",
        text(config.drm_folder, check_path),
        "The kernel's folder that is asked for AMD cards; empty: not asked."
    );
}

void visit_log(Visitor& v, log::LogConfig& config) {
    v.setting(
        "level",
        choice<log::Level>(
            config.level,
            {{"debug", log::Level::Debug},
             {"info", log::Level::Info},
             {"warning", log::Level::Warning},
             {"error", log::Level::Error}}
        ),
        "The least important lines that are written."
    );
    v.setting(
        "format",
        choice<log::Format>(
            config.format, {{"plain", log::Format::Plain}, {"json", log::Format::Json}}
        ),
        "One line an event, for people or as JSON."
    );
}

void visit_top(Visitor& v, Config& config, TopTexts& texts) {
    texts.state_file = config.state_file.string();
    v.setting(
        "state_file",
        text(texts.state_file, check_path),
        "Measured sizes, load times and runs of chains, kept over restarts; empty: "
        "/var/lib/plimsoll/state.db where that can be written, else "
        "$XDG_STATE_HOME/plimsoll/state.db. A change needs a restart."
    );
    config.state_file = texts.state_file;
    texts.record = config.record.string();
    v.setting(
        "record",
        text(texts.record, check_path),
        "Where every event of the scheduler is recorded with its decision, for `plimsoll replay`; "
        "empty: nowhere. A change needs a restart."
    );
    config.record = texts.record;
}

Config default_config() {
    Config config;
    config.server.port = 11435;
    config.upstreams.emplace_back();
    return config;
}

}  // namespace plimsoll::config
