// How the model server was started (contract of Ollama's environment), against what Plimsoll was
// told of it. A difference is one of two kinds: where the server takes more than Plimsoll counts
// with, the budget is not kept; where it takes less, memory or time lies idle.

#include "app/doctor/checks.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

namespace plimsoll::app::doctor {
namespace {

constexpr std::uint64_t kLoadedPerCard = 3;       // Ollama's own, where nothing is set
constexpr std::uint64_t kServerQueue = 512;       // the same of OLLAMA_MAX_QUEUE
constexpr std::uint64_t kServerFitTarget = 1024;  // MiB that llama.cpp leaves free on each card

class Comparison {
  public:
    Comparison(UpstreamFacts const& upstream, DeviceFacts const& device)
        : upstream_(upstream), device_(device), environment_(*upstream.process.environment) {}

    Findings run() {
        compare_models();
        compare_parallel();
        compare_cache_type();
        compare_flash_attention();
        compare_context();
        compare_timers();
        look_at_cards();
        look_at_the_rest();
        if (out_.empty()) {
            out_.push_back(ok("environment", agreement()));
        }
        return std::move(out_);
    }

  private:
    [[nodiscard]] std::string agreement() const {
        auto const set = std::ranges::count_if(environment_, [](auto const& one) {
            return one.first.starts_with("OLLAMA_");
        });
        return fmt::format(
            "{}: Ollama was started as the configuration says ({}, read from {})",
            upstream_.name,
            set == 0 ? "by its defaults" : fmt::format("{} OLLAMA_* set", set),
            upstream_.process.source
        );
    }

    // Ollama takes quotes and blanks off its values; an empty one is none.
    [[nodiscard]] std::string value(std::string const& name) const {
        auto const found = environment_.find(name);
        if (found == environment_.end()) {
            return {};
        }
        auto text = trim(found->second);
        while (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
               text.front() == text.back()) {
            text = trim(text.substr(1, text.size() - 2));
        }
        return std::string(text);
    }

    [[nodiscard]] bool is_on(std::string const& name) const {
        auto const text = to_lower(value(name));
        return !text.empty() && text != "0" && text != "false" && text != "f";
    }

    void add(Level level, std::string text, std::string fix) {
        out_.push_back(
            {level, "environment", upstream_.name + ": " + std::move(text), std::move(fix)}
        );
    }

    // "OLLAMA_NUM_PARALLEL is 4" or "OLLAMA_NUM_PARALLEL is not set (1)".
    [[nodiscard]] std::string said(std::string const& name, std::string const& otherwise) const {
        auto const text = value(name);
        return text.empty() ? name + " is not set (" + otherwise + ")"
                            : name + " is " + printable(text, 60);
    }

    static std::string either(std::string const& theirs, std::string const& ours) {
        return "set " + theirs + " where Ollama is started, or " + ours +
               " in the configuration, and restart that side";
    }

    void compare_models() {
        auto const cards = std::max<std::uint64_t>(device_.cards.size(), 1);
        auto const otherwise = kLoadedPerCard * cards;
        auto const theirs = parse_u64(value("OLLAMA_MAX_LOADED_MODELS")).value_or(0);
        auto const most = theirs == 0 ? otherwise : theirs;  // 0: as if it were not set
        auto const ours = upstream_.max_loaded;
        if (most == ours) {
            return;
        }
        auto const text = fmt::format(
            "{}, upstream.max_loaded_models is {}: {}",
            said("OLLAMA_MAX_LOADED_MODELS", fmt::format("{} for {} card(s)", otherwise, cards)),
            ours,
            most < ours ? "Ollama evicts models by itself before Plimsoll does"
                        : "Plimsoll evicts by number though the server would hold more"
        );
        add(most < ours ? Level::Problem : Level::Warning,
            text,
            either(
                fmt::format("OLLAMA_MAX_LOADED_MODELS={}", ours),
                fmt::format("max_loaded_models = {}", most)
            ));
    }

    void compare_parallel() {
        auto const theirs =
            std::max<std::uint64_t>(parse_u64(value("OLLAMA_NUM_PARALLEL")).value_or(1), 1);
        auto const ours = upstream_.parallel;
        if (theirs == ours) {
            return;
        }
        add(theirs > ours ? Level::Problem : Level::Warning,
            fmt::format(
                "{}, upstream.parallel is {}: {}",
                said("OLLAMA_NUM_PARALLEL", "1"),
                ours,
                theirs > ours
                    ? fmt::format(
                          "each model's cache is {} times what Plimsoll counts with", theirs
                      )
                    : "requests that Plimsoll sends at once wait inside Ollama"
            ),
            either(
                fmt::format("OLLAMA_NUM_PARALLEL={}", ours), fmt::format("parallel = {}", theirs)
            ));
    }

    static double bytes_per_value(std::string_view type) {
        return type == "f32" ? 4 : type == "q8_0" ? 1.0625 : type == "q4_0" ? 0.5625 : 2;
    }

    void compare_cache_type() {
        auto theirs = to_lower(value("OLLAMA_KV_CACHE_TYPE"));
        bool const is_quantised = theirs == "q8_0" || theirs == "q4_0";
        auto const flash = value("OLLAMA_FLASH_ATTENTION");
        if (is_quantised && !flash.empty() && !is_on("OLLAMA_FLASH_ATTENTION")) {
            add(Level::Warning,
                fmt::format(
                    "OLLAMA_KV_CACHE_TYPE is {}, but OLLAMA_FLASH_ATTENTION is {}: without it the "
                    "cache is not quantised",
                    theirs,
                    flash
                ),
                "set OLLAMA_FLASH_ATTENTION=1 where Ollama is started");
            return;
        }
        theirs = theirs.empty() ? "f16" : theirs;
        if (theirs == upstream_.kv_type) {
            return;
        }
        bool const is_more = bytes_per_value(theirs) > bytes_per_value(upstream_.kv_type);
        add(is_more ? Level::Problem : Level::Warning,
            fmt::format(
                "{}, upstream.kv_cache_type is {}: caches take {} than predicted",
                said("OLLAMA_KV_CACHE_TYPE", "f16"),
                upstream_.kv_type,
                is_more ? "more" : "less"
            ),
            either("OLLAMA_KV_CACHE_TYPE=" + upstream_.kv_type, "kv_cache_type = \"" + theirs + '"')
        );
    }

    void compare_flash_attention() {
        auto const set = value("OLLAMA_FLASH_ATTENTION");
        std::string const theirs = set.empty()                       ? "auto"
                                   : is_on("OLLAMA_FLASH_ATTENTION") ? "on"
                                                                     : "off";
        auto const& ours = upstream_.flash_attention;
        if (theirs == ours) {
            return;
        }
        auto const wanted =
            ours == "auto" ? std::string("take OLLAMA_FLASH_ATTENTION away")
                           : "set OLLAMA_FLASH_ATTENTION=" + std::string(ours == "on" ? "1" : "0");
        add(Level::Warning,
            fmt::format(
                "{}, upstream.flash_attention is {}: compute buffers are predicted for another "
                "kind of attention",
                said("OLLAMA_FLASH_ATTENTION", "auto"),
                ours
            ),
            wanted + " where Ollama is started, or set flash_attention = \"" + theirs +
                "\" in the configuration, and restart that side");
    }

    void compare_context() {
        auto const theirs = parse_u64(value("OLLAMA_CONTEXT_LENGTH")).value_or(0);
        auto const ours = upstream_.default_ctx;
        if (theirs == ours.value_or(theirs)) {
            return;  // the same, or learned by Plimsoll
        }
        if (theirs == 0) {
            add(Level::Warning,
                fmt::format(
                    "OLLAMA_CONTEXT_LENGTH is not set (4096, 32768 or 262144 by the cards' "
                    "memory), upstream.default_num_ctx is {}",
                    *ours
                ),
                either(fmt::format("OLLAMA_CONTEXT_LENGTH={}", *ours), "default_num_ctx = \"auto\"")
            );
            return;
        }
        add(theirs > *ours ? Level::Problem : Level::Warning,
            fmt::format(
                "OLLAMA_CONTEXT_LENGTH is {}, upstream.default_num_ctx is {}: models loaded by "
                "clients of /v1 are {} than predicted",
                theirs,
                *ours,
                theirs > *ours ? "larger" : "smaller"
            ),
            either(
                fmt::format("OLLAMA_CONTEXT_LENGTH={}", *ours),
                fmt::format("default_num_ctx = {}", theirs)
            ));
    }

    void compare_timers() {
        auto const load = parse_duration(value("OLLAMA_LOAD_TIMEOUT"));
        if (load && *load > upstream_.load_timeout && upstream_.load_timeout > Duration::zero()) {
            add(Level::Warning,
                fmt::format(
                    "OLLAMA_LOAD_TIMEOUT is {}, upstream.load_timeout is {}: Plimsoll gives a "
                    "stalled load up before Ollama does",
                    value("OLLAMA_LOAD_TIMEOUT"),
                    format_duration(upstream_.load_timeout)
                ),
                "set load_timeout = \"" + value("OLLAMA_LOAD_TIMEOUT") + "\" in the configuration");
        }
        auto const keep = value("OLLAMA_KEEP_ALIVE");
        if (keep == "0" || keep == "0s" || keep == "0m") {
            add(Level::Warning,
                "OLLAMA_KEEP_ALIVE is " + keep +
                    ": Ollama drops at once what others load past Plimsoll; Plimsoll sends a time "
                    "of its own with its loads",
                "take OLLAMA_KEEP_ALIVE away where Ollama is started; scheduler.keep_alive is "
                "what counts");
        }
        auto const queue = parse_u64(value("OLLAMA_MAX_QUEUE")).value_or(kServerQueue);
        auto const at_once = upstream_.max_loaded * upstream_.parallel;
        if (queue > 0 && queue < at_once) {
            add(Level::Warning,
                fmt::format(
                    "OLLAMA_MAX_QUEUE is {}, but Plimsoll may send {} requests at once: Ollama "
                    "answers the rest with 503",
                    queue,
                    at_once
                ),
                fmt::format("set OLLAMA_MAX_QUEUE={} or more where Ollama is started", kServerQueue)
            );
        }
    }

    void look_at_cards() {
        constexpr std::array kVisible = {
            "CUDA_VISIBLE_DEVICES",
            "ROCR_VISIBLE_DEVICES",
            "HIP_VISIBLE_DEVICES",
            "GGML_VK_VISIBLE_DEVICES"
        };
        for (auto const* name : kVisible) {
            auto const shown = value(name);
            auto const count =
                shown.empty() ? 0U : static_cast<unsigned>(std::ranges::count(shown, ',') + 1);
            if (count > 0 && !device_.cards.empty() && count < device_.cards.size()) {
                add(Level::Warning,
                    fmt::format(
                        "{} is {}: Ollama uses {} of {} cards, but a budget of \"auto\" or per "
                        "cent counts all of them",
                        name,
                        printable(shown, 100),
                        count,
                        device_.cards.size()
                    ),
                    "set upstream.budget in bytes, for the cards that Ollama uses");
            }
        }
        if (is_on("OLLAMA_SCHED_SPREAD") && device_.cards.size() > 1) {
            add(Level::Warning,
                fmt::format(
                    "OLLAMA_SCHED_SPREAD is on: each model lies on all {} cards, which Plimsoll "
                    "does not foresee when it chooses what to load beside what",
                    device_.cards.size()
                ),
                "take OLLAMA_SCHED_SPREAD away where Ollama is started");
        }
        if (auto const overhead = value("OLLAMA_GPU_OVERHEAD");
            !overhead.empty() && overhead != "0") {
            add(Level::Warning,
                "OLLAMA_GPU_OVERHEAD is " + printable(overhead, 40) +
                    ": it has no effect on where models go, only on the default context",
                "set upstream.reserve in the configuration: that much stays free on each card");
        }
        look_at_fit();
    }

    void look_at_fit() {
        auto const target = parse_u64(value("LLAMA_ARG_FIT_TARGET")).value_or(kServerFitTarget);
        if (target == kServerFitTarget || device_.cards.empty()) {
            return;
        }
        Bytes total;
        for (auto const& card : device_.cards) {
            total += card.total;
        }
        auto const wanted = Bytes(mebibytes(target).count() * device_.cards.size());
        if (total - upstream_.budget < wanted) {
            add(Level::Warning,
                fmt::format(
                    "LLAMA_ARG_FIT_TARGET is {} MiB, but the budget leaves {} of {} free: the last "
                    "models fall to the CPU in part",
                    target,
                    format_bytes(total - upstream_.budget),
                    format_bytes(total)
                ),
                fmt::format("set upstream.reserve = \"{}MiB\"", target));
        }
    }

    void look_at_the_rest() {
        if (is_on("OLLAMA_DEBUG_LOG_REQUESTS")) {
            add(Level::Warning,
                "OLLAMA_DEBUG_LOG_REQUESTS is on: Ollama writes prompts to disk",
                "take it away where Ollama is started");
        }
    }

    UpstreamFacts const& upstream_;
    DeviceFacts const& device_;
    Environment const& environment_;
    Findings out_;
};

}  // namespace

Findings check_environment(UpstreamFacts const& upstream, DeviceFacts const& device) {
    if (upstream.answer.version.empty() || upstream.answer.is_plimsoll) {
        return {};  // said already
    }
    if (upstream.process.environment) {
        return Comparison(upstream, device).run();
    }
    auto const settings = fmt::format(
        "OLLAMA_MAX_LOADED_MODELS={} OLLAMA_NUM_PARALLEL={} OLLAMA_KV_CACHE_TYPE={}",
        upstream.max_loaded,
        upstream.parallel,
        upstream.kv_type
    );
    if (!upstream.is_local) {
        return {
            ok("environment",
               fmt::format(
                   "{}: on another machine, where its environment cannot be read; Plimsoll counts "
                   "with {}",
                   upstream.name,
                   settings
               ))
        };
    }
    return {warning(
        "environment",
        fmt::format(
            "{}: the environment of the server cannot be read: {}",
            upstream.name,
            upstream.process.why_not
        ),
        "run `sudo plimsoll doctor`, or compare by hand: Plimsoll counts with " + settings
    )};
}

Findings check_environment(Facts const& facts) {
    Findings out;
    for (auto const& upstream : facts.upstreams) {
        for (auto& finding : check_environment(upstream, facts.device)) {
            out.push_back(std::move(finding));
        }
    }
    return out;
}

}  // namespace plimsoll::app::doctor
