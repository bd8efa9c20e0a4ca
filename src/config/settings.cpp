#include "config/settings.hpp"

#include "config/special_kinds.hpp"

#include <plimsoll/base/text.hpp>

#include <chrono>
#include <cstdint>

namespace plimsoll::config {

using namespace std::chrono_literals;

namespace {

constexpr Duration kLeastTimeout = 10ms;
constexpr Duration kMostTimeout = 24h;
constexpr Duration kLeastHeartbeat = 100ms;  // each one is a write to every client that waits
constexpr Duration kMostKeepAlive = 24h * 365;

std::optional<std::string> check_path(std::string_view text) {
    if (text.contains('\0')) {
        return "a path";
    }
    return std::nullopt;
}

std::optional<std::string> check_provider(std::string_view text) {
    if (text == "ollama") {
        return std::nullopt;
    }
    if (text == "llamacpp" || text == "vllm" || text == "localai") {
        return "in this version yet; write \"ollama\"";
    }
    return "a provider; write \"ollama\"";
}

std::optional<std::string> check_mcp_url(std::string_view text) {
    if (istarts_with(text, "https://")) {
        return "reachable: https is not supported yet; put a proxy of yours before it";
    }
    return istarts_with(text, "http://") ? std::nullopt
                                         : std::optional("a URL; write \"http://HOST:PORT/mcp\"");
}

}  // namespace

void visit_server(Visitor& v, Config& config) {
    v.setting("listen", listen_address(config.server.address, config.server.port));
    v.setting("max_body", size_number(config.proxy.max_body, kibibytes(1), gibibytes(16)));
    v.setting("max_bodies", size_number(config.proxy.max_bodies, kibibytes(1), gibibytes(256)));
    v.setting(
        "max_decoded_body", size_number(config.proxy.max_decoded, kibibytes(1), gibibytes(16))
    );
    v.setting("max_head", size_number(config.server.head.max_head, kibibytes(1), mebibytes(1)));
    v.setting("max_target", size_number(config.server.head.max_target, Bytes(256), mebibytes(1)));
    v.setting("max_fields", whole(config.server.head.max_fields, 10, 10'000));
    v.setting("max_connections", whole(config.server.max_connections, 1, 1'000'000));
    v.setting("head_timeout", duration(config.server.head_timeout, kLeastTimeout, kMostTimeout));
    v.setting("idle_timeout", duration(config.server.idle_timeout, kLeastTimeout, kMostTimeout));
    v.setting("read_timeout", duration(config.server.read_timeout, kLeastTimeout, kMostTimeout));
    v.setting("write_timeout", duration(config.server.write_timeout, kLeastTimeout, kMostTimeout));
    v.setting(
        "queue_heartbeat", pause(config.proxy.queue_heartbeat, kLeastHeartbeat, kMostTimeout)
    );
    v.setting("drain_timeout", duration(config.drain_timeout, 0s, kMostTimeout));
    v.setting("check_host", boolean(config.proxy.origins.check_host));
    v.setting("allowed_hosts", list(config.proxy.origins.allowed_hosts, check_host_pattern));
    v.setting("allowed_origins", list(config.proxy.origins.allowed_origins, check_origin_pattern));
    v.later("tls");
}

void visit_upstream(Visitor& v, UpstreamSettings& settings) {
    upstream::UpstreamConfig& u = settings.upstream;
    core::SchedulerConfig& scheduler = settings.engine.scheduler;
    v.setting("name", text(u.name, check_upstream_name));
    v.setting("provider", text(u.provider, check_provider));
    v.setting("url", http_url(u.url));
    v.setting("budget", budget(settings.budget));
    v.setting("reserve", size(settings.reserve, Bytes(0), gibibytes(1 << 20)));
    v.setting("max_loaded_models", whole(scheduler.max_loaded_models, 1, 1000));
    v.setting("parallel", whole(scheduler.parallel, 1, 256));
    v.setting(
        "kv_cache_type",
        choice<memory::KvType>(
            settings.engine.kv_type,
            {{"f16", memory::KvType::F16},
             {"q8_0", memory::KvType::Q8_0},
             {"q4_0", memory::KvType::Q4_0},
             {"f32", memory::KvType::F32}}
        )
    );
    v.setting(
        "flash_attention",
        choice<memory::FlashAttention>(
            settings.engine.flash_attention,
            {{"auto", memory::FlashAttention::Auto},
             {"on", memory::FlashAttention::On},
             {"off", memory::FlashAttention::Off}}
        )
    );
    v.setting(
        "default_num_ctx",
        default_num_ctx(settings.engine.default_num_ctx, settings.engine.default_num_ctx_is_known)
    );
    v.setting("timeout", duration(u.timeout, kLeastTimeout, kMostTimeout));
    v.setting("connect_timeout", duration(u.connect_timeout, kLeastTimeout, kMostTimeout));
    v.setting("load_timeout", duration(u.load_timeout, kLeastTimeout, kMostTimeout));
    v.setting("stream_first_timeout", duration(u.stream_first, kLeastTimeout, kMostTimeout));
    v.setting("stream_idle_timeout", duration(u.stream_idle, kLeastTimeout, kMostTimeout));
    v.setting("answer_timeout", duration(u.answer_timeout, kLeastTimeout, kMostTimeout));
    v.setting("max_retries", whole(u.max_retries, 0, 100));
    v.setting("retry_delay", duration(u.retry_first, 1ms, 1min));
    v.setting("health_check_interval", duration(u.health_interval, 100ms, kMostTimeout));
    v.setting("health_retry_interval", duration(u.health_retry, kLeastTimeout, kMostTimeout));
    v.setting(
        "cpu_fallback",
        choice<engine::CpuFallback>(
            settings.engine.cpu_fallback,
            {{"accept", engine::CpuFallback::Accept},
             {"shrink", engine::CpuFallback::Shrink},
             {"refuse", engine::CpuFallback::Refuse}}
        )
    );
    v.later("accounting");
}

void visit_scheduler(Visitor& v, engine::EngineConfig& shared) {
    core::SchedulerConfig& s = shared.scheduler;
    v.setting("queue_limit", whole(s.queue_limit, 1, 1'000'000));
    v.setting("queue_bytes", size(s.queue_bytes, kibibytes(1), gibibytes(256)));
    v.setting("patience_low", duration(s.patience[0], kLeastTimeout, kMostTimeout));
    v.setting("patience_normal", duration(s.patience[1], kLeastTimeout, kMostTimeout));
    v.setting("patience_high", duration(s.patience[2], kLeastTimeout, kMostTimeout));
    v.setting("quantum_factor", real(s.quantum_factor, 4, 16));
    v.setting("keep_alive", keep_alive(s.default_keep_alive, s.keep_forever));
    v.setting(
        "keep_alive_policy",
        choice<engine::KeepAlivePolicy>(
            shared.keep_alive_policy,
            {{"honour", engine::KeepAlivePolicy::Honour},
             {"clamp", engine::KeepAlivePolicy::Clamp},
             {"override", engine::KeepAlivePolicy::Override}}
        )
    );
    v.setting("keep_alive_max", duration(shared.keep_alive_max, 0s, kMostKeepAlive));
    v.setting("cut_options", list(shared.cut_options, check_cut_option));
    v.setting("max_linger", duration(s.max_linger, 0s, 1h));
    v.setting("unload_timeout", duration(s.unload_timeout, 100ms, kMostTimeout));
    v.setting("aborted_load_grace", duration(s.aborted_load_grace, 100ms, 1h));
    v.setting("bar_first", duration(s.bar_first, 0s, kMostTimeout));
    v.setting("bar_last", duration(s.bar_last, 0s, kMostTimeout));
    // At least once a second while anything is loaded: what others load must not go unseen for
    // longer.
    v.setting("reconcile_interval", duration(shared.reconcile_interval, kLeastTimeout, 1s));
    v.setting("info_ttl", duration(shared.info_ttl, 0s, 1h));
}

void visit_management(Visitor& v, Config& config, engine::EngineConfig& shared) {
    v.setting("enabled", boolean(config.enabled));
    v.setting("verbose", boolean(shared.verbose));
    v.setting("auto_unload", boolean(shared.scheduler.auto_unload));
    v.setting("max_loaded_models", whole(config.chains.max_loaded_models, 1, 1000));
    v.setting("initial_cleanup", boolean(config.chains.initial_cleanup));
    v.setting("final_cleanup", boolean(config.chains.final_cleanup));
}

void visit_chains(Visitor& v, chain::ChainsConfig& config, ChainTexts& texts) {
    texts.directory = config.directory.string();
    v.setting("directory", text(texts.directory, check_path));
    config.directory = texts.directory;
    v.setting("max_runs", whole(config.max_runs, 1, 10'000));
    v.setting("keep_runs", whole(config.keep_runs, 0, 1'000'000));
    v.setting("keep_for", duration(config.keep_for, 0s, kMostKeepAlive));
    v.setting("max_text", size_number(config.max_text, kibibytes(1), gibibytes(1)));
}

void visit_mcp_server(Visitor& v, chain::McpServerConfig& config) {
    v.setting("id", text(config.id, check_upstream_name));
    v.setting("command", text(config.command, check_path));
    v.setting("args", list(config.args, [](std::string_view) { return std::nullopt; }));
    v.setting("env", text_table(config.env));
    v.setting("url", text(config.url, check_mcp_url));
    v.setting("headers", text_table(config.headers));
    v.setting("start_timeout", duration(config.start_timeout, kLeastTimeout, kMostTimeout));
    v.setting("call_timeout", duration(config.call_timeout, kLeastTimeout, kMostTimeout));
    v.setting("idle_timeout", duration(config.idle_timeout, kLeastTimeout, kMostTimeout));
    v.setting("max_result", size_number(config.max_result, kibibytes(1), gibibytes(1)));
}

void visit_model(Visitor& v, engine::ModelPolicy& policy) {
    v.setting("pin", boolean(policy.pin));
    v.setting("num_ctx", context_policy(policy));
    v.setting("clamp_num_ctx", boolean(policy.clamp));
    v.setting("keep_alive", duration(policy.keep_alive, 0s, kMostKeepAlive));
    v.setting(
        "priority",
        choice<core::Priority>(
            policy.priority,
            {{"low", core::Priority::Low},
             {"normal", core::Priority::Normal},
             {"high", core::Priority::High}}
        )
    );
    v.setting("vram", size(policy.vram, mebibytes(1), gibibytes(1 << 20)));
}

void visit_device(Visitor& v, Config& config) {
    v.setting("nvml_library", text(config.nvml_library, check_path));
    v.setting("drm_folder", text(config.drm_folder, check_path));
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
        )
    );
    v.setting(
        "format",
        choice<log::Format>(
            config.format, {{"plain", log::Format::Plain}, {"json", log::Format::Json}}
        )
    );
}

void visit_top(Visitor& v, Config& config, TopTexts& texts) {
    texts.state_file = config.state_file.string();
    v.setting("state_file", text(texts.state_file, check_path));
    config.state_file = texts.state_file;
    texts.record = config.record.string();
    v.setting("record", text(texts.record, check_path));
    config.record = texts.record;
    v.later("key");
}

Config default_config() {
    Config config;
    config.server.port = 11435;
    config.upstreams.emplace_back();
    return config;
}

}  // namespace plimsoll::config
