// Upstreams, the scheduler before them, and policies for models.

#include "config/setting_limits.hpp"
#include "config/settings.hpp"
#include "config/special_kinds.hpp"

namespace plimsoll::config {

using namespace std::chrono_literals;

namespace {

std::optional<std::string> check_provider(std::string_view text) {
    if (text == "ollama") {
        return std::nullopt;
    }
    if (text == "llamacpp" || text == "vllm" || text == "localai") {
        return "in this version yet; write \"ollama\"";
    }
    return "a provider; write \"ollama\"";
}

// What it was started with; its API does not say.
void visit_upstream_setup(Visitor& v, engine::EngineConfig& engine) {
    core::SchedulerConfig& scheduler = engine.scheduler;
    v.setting(
        "max_loaded_models",
        whole(scheduler.max_loaded_models, 1, 1000),
        "Its OLLAMA_MAX_LOADED_MODELS."
    );
    v.setting("parallel", whole(scheduler.parallel, 1, 256), "Its OLLAMA_NUM_PARALLEL.");
    v.setting(
        "kv_cache_type",
        choice<memory::KvType>(
            engine.kv_type,
            {{"f16", memory::KvType::F16},
             {"q8_0", memory::KvType::Q8_0},
             {"q4_0", memory::KvType::Q4_0},
             {"f32", memory::KvType::F32}}
        ),
        "Its OLLAMA_KV_CACHE_TYPE."
    );
    v.setting(
        "flash_attention",
        choice<memory::FlashAttention>(
            engine.flash_attention,
            {{"auto", memory::FlashAttention::Auto},
             {"on", memory::FlashAttention::On},
             {"off", memory::FlashAttention::Off}}
        ),
        "Its OLLAMA_FLASH_ATTENTION: \"on\" for 1, \"off\" for 0, \"auto\" where it is not set."
    );
    v.setting(
        "default_num_ctx",
        default_num_ctx(engine.default_num_ctx, engine.default_num_ctx_is_known),
        "Its OLLAMA_CONTEXT_LENGTH; \"auto\": learned from the first model that it loads."
    );
    v.setting(
        "cpu_fallback",
        choice<engine::CpuFallback>(
            engine.cpu_fallback,
            {{"accept", engine::CpuFallback::Accept},
             {"shrink", engine::CpuFallback::Shrink},
             {"refuse", engine::CpuFallback::Refuse}}
        ),
        "What becomes of a load that fell to the CPU in part: it is accepted, loaded again with a "
        "smaller context, or refused."
    );
}

void visit_upstream_times(Visitor& v, upstream::UpstreamConfig& u) {
    v.setting(
        "timeout",
        duration(u.timeout, kLeastTimeout, kMostTimeout),
        "Of its short calls: show, ps, version, unload."
    );
    v.setting(
        "connect_timeout",
        duration(u.connect_timeout, kLeastTimeout, kMostTimeout),
        "Of connecting to it."
    );
    v.setting(
        "load_timeout",
        duration(u.load_timeout, kLeastTimeout, kMostTimeout),
        "How long a load may go on without a sign of progress."
    );
    v.setting(
        "stream_first_timeout",
        duration(u.stream_first, kLeastTimeout, kMostTimeout),
        "How long the first piece of a streamed answer may take."
    );
    v.setting(
        "stream_idle_timeout",
        duration(u.stream_idle, kLeastTimeout, kMostTimeout),
        "How long a streamed answer may pause between its pieces."
    );
    v.setting(
        "answer_timeout",
        duration(u.answer_timeout, kLeastTimeout, kMostTimeout),
        "How long an answer that comes whole may take."
    );
    v.setting(
        "max_retries",
        whole(u.max_retries, 0, 100),
        "How often a call is repeated that may be, with exponential back-off."
    );
    v.setting(
        "retry_delay", duration(u.retry_first, 1ms, 1min), "The pause before the first repetition."
    );
    v.setting(
        "health_check_interval",
        duration(u.health_interval, 100ms, kMostTimeout),
        "How often it is asked whether it lives."
    );
    v.setting(
        "health_retry_interval",
        duration(u.health_retry, kLeastTimeout, kMostTimeout),
        "The same while it is down."
    );
}

void visit_stay(Visitor& v, engine::EngineConfig& shared) {
    core::SchedulerConfig& s = shared.scheduler;
    v.setting(
        "keep_alive",
        keep_alive(s.default_keep_alive, s.keep_forever),
        "How long an idle model stays where no client says it; \"forever\": until room is needed."
    );
    v.setting(
        "keep_alive_policy",
        choice<engine::KeepAlivePolicy>(
            shared.keep_alive_policy,
            {{"honour", engine::KeepAlivePolicy::Honour},
             {"clamp", engine::KeepAlivePolicy::Clamp},
             {"override", engine::KeepAlivePolicy::Override}}
        ),
        "What becomes of a client's keep_alive: it holds, holds up to keep_alive_max, or is "
        "replaced by ours."
    );
    v.setting(
        "keep_alive_max",
        duration(shared.keep_alive_max, 0s, kMostKeepAlive),
        "The longest keep_alive under \"clamp\"."
    );
    v.setting(
        "cut_options",
        list(shared.cut_options, check_cut_option),
        "Runner options of clients that are cut out: \"num_gpu\" every value, \"num_gpu=0\" that "
        "one."
    );
    v.setting(
        "max_linger",
        duration(s.max_linger, 0s, 1h),
        "A model that was just used counts as busy for up to this long."
    );
}

void visit_watch(Visitor& v, engine::EngineConfig& shared) {
    core::SchedulerConfig& s = shared.scheduler;
    v.setting(
        "unload_timeout",
        duration(s.unload_timeout, 100ms, kMostTimeout),
        "An unload that is not seen by then is repeated."
    );
    v.setting(
        "aborted_load_grace",
        duration(s.aborted_load_grace, 100ms, 1h),
        "How long an aborted load is watched for."
    );
    v.setting(
        "bar_first",
        duration(s.bar_first, 0s, kMostTimeout),
        "How long a model that failed to load is refused; twice as long after each further failure."
    );
    v.setting("bar_last", duration(s.bar_last, 0s, kMostTimeout), "The longest of these times.");
    // At least once a second while anything is loaded: what others load must not go unseen for
    // longer.
    v.setting(
        "reconcile_interval",
        duration(shared.reconcile_interval, kLeastTimeout, 1s),
        "How often the upstream's own list is read while anything is loaded."
    );
    v.setting(
        "info_ttl",
        duration(shared.info_ttl, 0s, 1h),
        "Facts about a model that are older are checked again."
    );
}

}  // namespace

void visit_client_tls(Visitor& v, net::TlsClientSettings& tls) {
    v.setting(
        "tls_ca_file",
        text(tls.ca_file, check_path),
        "PEM file of the CA that its certificate must come from; empty: those of the system."
    );
    v.setting(
        "tls_verify",
        boolean(tls.verify),
        "false: its certificate is not checked, and whoever answers is believed."
    );
    v.setting(
        "tls_certificate",
        text(tls.certificate, check_path),
        "PEM file of the certificate that it is shown if it asks; empty: none."
    );
    v.setting("tls_key", text(tls.key, check_path), "PEM file with the key of that certificate.");
}

void visit_upstream(Visitor& v, UpstreamSettings& settings) {
    upstream::UpstreamConfig& u = settings.upstream;
    v.setting(
        "name",
        text(u.name, check_upstream_name),
        "What the upstream is called in status, events and metrics; each has its own."
    );
    v.setting("provider", text(u.provider, check_provider), "What kind of server it is.");
    v.setting("url", http_url(u.url), "Where it answers. A change needs a restart.");
    visit_client_tls(v, u.tls);
    v.setting(
        "api_key_file",
        text(settings.api_key_file, check_path),
        "A file with the key that the upstream wants; sent to it as Authorization: Bearer. "
        "\"$CREDENTIALS_DIRECTORY/NAME\" is a credential of systemd's. A change needs a restart."
    );
    v.setting(
        "budget",
        budget(settings.budget),
        "What models may take: bytes, a share of each card, or all of it but the reserve "
        "(\"auto\"; three quarters of the host's memory where no driver can be asked)."
    );
    v.setting(
        "reserve",
        size(settings.reserve, Bytes(0), gibibytes(1 << 20)),
        "Stays free on each card, whoever uses the rest."
    );
    visit_upstream_setup(v, settings.engine);
    visit_upstream_times(v, u);
    v.later("accounting");
}

void visit_scheduler(Visitor& v, engine::EngineConfig& shared) {
    core::SchedulerConfig& s = shared.scheduler;
    v.setting(
        "queue_limit",
        whole(s.queue_limit, 1, 1'000'000),
        "The most requests that may wait; 503 above."
    );
    v.setting(
        "queue_bytes",
        size(s.queue_bytes, kibibytes(1), gibibytes(256)),
        "The most bytes that their bodies may hold."
    );
    v.setting(
        "patience_low",
        duration(s.patience[0], kLeastTimeout, kMostTimeout),
        "Who waits longer than this is served out of turn: of the low class."
    );
    v.setting(
        "patience_normal",
        duration(s.patience[1], kLeastTimeout, kMostTimeout),
        "The same of the normal class."
    );
    v.setting(
        "patience_high",
        duration(s.patience[2], kLeastTimeout, kMostTimeout),
        "The same of the high class."
    );
    v.setting(
        "quantum_factor",
        real(s.quantum_factor, 4, 16),
        "A model stays for this many load times of the next one before it must go."
    );
    visit_stay(v, shared);
    visit_watch(v, shared);
}

void visit_management(Visitor& v, Config& config, engine::EngineConfig& shared) {
    v.setting(
        "enabled", boolean(config.enabled), "false: a plain pass-through, nothing is scheduled."
    );
    v.setting("verbose", boolean(shared.verbose), "Says more about each decision in the log.");
    v.setting(
        "auto_unload",
        boolean(shared.scheduler.auto_unload),
        "false: idle models stay until room is needed, and runs of chains unload nothing."
    );
    v.setting(
        "max_loaded_models",
        whole(config.chains.max_loaded_models, 1, 1000),
        "The most models that a run of a chain holds at a time; none: as many as fit."
    );
    v.setting(
        "initial_cleanup",
        boolean(config.chains.initial_cleanup),
        "Of runs of chains: unload what is idle before the first step."
    );
    v.setting(
        "final_cleanup",
        boolean(config.chains.final_cleanup),
        "Of runs of chains: unload what the run used at its end."
    );
}

void visit_model(Visitor& v, engine::ModelPolicy& policy) {
    v.setting("pin", boolean(policy.pin), "Always loaded.");
    v.setting(
        "num_ctx",
        context_policy(policy),
        "Its context in tokens, for everybody; \"fit\": the largest that fits; \"client\": what "
        "each request asks for."
    );
    v.setting(
        "clamp_num_ctx",
        boolean(policy.clamp),
        "With \"client\": cuts a context that does not fit instead of refusing it."
    );
    v.setting(
        "keep_alive",
        duration(policy.keep_alive, 0s, kMostKeepAlive),
        "How long it stays when it is idle, where no client says it."
    );
    v.setting(
        "priority",
        choice<core::Priority>(
            policy.priority,
            {{"low", core::Priority::Low},
             {"normal", core::Priority::Normal},
             {"high", core::Priority::High}}
        ),
        "The class of its requests."
    );
    v.setting(
        "vram",
        size(policy.vram, mebibytes(1), gibibytes(1 << 20)),
        "The bytes that it takes, instead of the predicted ones."
    );
}

}  // namespace plimsoll::config
