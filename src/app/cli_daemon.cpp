// serve, sim, config and doctor: what starts something or reads the configuration.

#include "app/cli_tree.hpp"

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/text.hpp>

#include <array>
#include <memory>

namespace plimsoll::app {
namespace {

// A flag of `serve` is another way to write one setting; config checks the value and names it in
// its errors.
struct SettingFlag {
    char const* flag;
    char const* key;
    char const* type;
    char const* help;
    char const* words = "";  // of a choice, for completions
};

constexpr std::array kSettings = {
    SettingFlag{
        "--listen",
        "server.listen",
        "HOST:PORT",
        "Where clients connect [127.0.0.1:11435]; port 0: any free one"
    },
    SettingFlag{"--upstream", "upstream.url", "URL", "The Ollama behind [http://127.0.0.1:11434]"},
    SettingFlag{
        "--budget", "upstream.budget", "SIZE", "What models may take: 22GiB, 90% or auto [auto]"
    },
    SettingFlag{"--reserve", "upstream.reserve", "SIZE", "Stays free, whoever uses the rest [0]"},
    SettingFlag{
        "--max-loaded",
        "upstream.max_loaded_models",
        "N",
        "Rows the upstream holds: its OLLAMA_MAX_LOADED_MODELS"
    },
    SettingFlag{
        "--parallel",
        "upstream.parallel",
        "N",
        "Requests a model serves at once: its OLLAMA_NUM_PARALLEL"
    },
    SettingFlag{
        "--default-ctx",
        "upstream.default_num_ctx",
        "TOKENS",
        "Context without num_ctx: its OLLAMA_CONTEXT_LENGTH"
    },
    SettingFlag{
        "--kv-cache-type",
        "upstream.kv_cache_type",
        "TYPE",
        "f16, q8_0 or q4_0: its OLLAMA_KV_CACHE_TYPE",
        "f16|q8_0|q4_0|f32"
    },
    SettingFlag{
        "--flash-attention",
        "upstream.flash_attention",
        "WHEN",
        "auto, on or off: its OLLAMA_FLASH_ATTENTION",
        "auto|on|off"
    },
    SettingFlag{
        "--keep-alive",
        "scheduler.keep_alive",
        "TIME",
        "How long an idle model stays [5m]; -1: for ever"
    },
    SettingFlag{
        "--log-level",
        "log.level",
        "LEVEL",
        "debug, info, warning or error [info]",
        "debug|info|warning|error"
    },
    SettingFlag{"--log-format", "log.format", "FORMAT", "plain or json [plain]", "plain|json"},
    SettingFlag{
        "--state", "state_file", "FILE", "What survives a restart: measured sizes and load times"
    },
    SettingFlag{
        "--record", "record", "FILE", "Every event and decision, for plimsoll replay; no prompts"
    },
};

struct SettingValues {
    std::array<std::string, kSettings.size()> texts;
    std::string config;
    bool no_management = false;

    [[nodiscard]] config::Overrides overrides(CLI::App const& app) const {
        config::Overrides out;
        for (std::size_t i = 0; i < kSettings.size(); ++i) {
            if (app.count(kSettings[i].flag) > 0) {
                out.emplace_back(kSettings[i].key, texts[i]);
            }
        }
        if (no_management) {
            out.emplace_back("management.enabled", "false");
        }
        return out;
    }

    [[nodiscard]] std::optional<std::filesystem::path> file() const {
        return config.empty() ? std::nullopt : std::optional<std::filesystem::path>(config);
    }
};

std::shared_ptr<SettingValues> add_settings(CLI::App& app) {
    auto values = std::make_shared<SettingValues>();
    app.add_option("-c,--config", values->config, "Configuration file in TOML")->type_name("FILE");
    for (std::size_t i = 0; i < kSettings.size(); ++i) {
        app.add_option(kSettings[i].flag, values->texts[i], kSettings[i].help)
            ->type_name(kSettings[i].type)
            ->check(CLI::Validator("").name(std::string(kWordsMark) + kSettings[i].words));
    }
    app.add_flag(
        "--no-management",
        values->no_management,
        "Plain pass-through: relay everything, schedule nothing"
    );
    return values;
}

void parse_listen(std::string const& text, sim::SimConfig& out) {
    auto const colon = text.rfind(':');
    auto const port = colon == std::string::npos
                          ? std::nullopt
                          : parse_u64(std::string_view(text).substr(colon + 1));
    if (!port || *port > 65535 || colon == 0) {
        throw CLI::ValidationError("--listen", "\"" + printable(text, 80) + "\" is no HOST:PORT");
    }
    out.port = static_cast<std::uint16_t>(*port);
    out.address = text.substr(0, colon);
    if (out.address.size() > 2 && out.address.front() == '[' && out.address.back() == ']') {
        out.address = out.address.substr(1, out.address.size() - 2);
    }
}

struct SimTexts {
    sim::SimConfig sim;
    std::string listen = "127.0.0.1:11434", vram = "24GiB", models, bandwidth = "2GiB";
    std::uint32_t default_ctx = 0;

    [[nodiscard]] SimOptions read() const {
        SimOptions out{sim};
        parse_listen(listen, out.sim);
        auto const size = parse_bytes(vram);
        if (!size || size->is_zero()) {
            throw CLI::ValidationError(
                "--vram", "\"" + printable(vram, 40) + "\" is no size; write 24GiB"
            );
        }
        out.sim.vram = *size;
        out.sim.load_bandwidth = parse_bandwidth(bandwidth);
        if (!models.empty()) {
            out.sim.models = models;
        }
        if (default_ctx > 0) {
            out.sim.default_ctx = default_ctx;
        }
        return out;
    }
};

}  // namespace

double parse_bandwidth(std::string text) {
    if (iends_with(text, "/s")) {
        text.resize(text.size() - 2);
    }
    auto const bytes = parse_bytes(text);
    if (!bytes || bytes->is_zero()) {
        throw CLI::ValidationError(
            "--load-bandwidth", "\"" + printable(text, 40) + "\" is no speed; write 2GiB/s"
        );
    }
    return static_cast<double>(bytes->count());
}

void add_serve(CLI::App& root, Command& out) {
    auto* app = root.add_subcommand("serve", "Run the daemon in front of an Ollama");
    auto values = add_settings(*app);
    app->footer(
        "A flag wins over PLIMSOLL_* in the environment, which wins over the file: --config, else\n"
        "$XDG_CONFIG_HOME/plimsoll/plimsoll.toml, else /etc/plimsoll/plimsoll.toml. SIGHUP reads "
        "it again.\n"
        "SIGTERM or Ctrl-C ends gracefully: running answers finish; a second one ends at once.\n"
        "\n"
        "Examples:\n"
        "  plimsoll serve --budget 22GiB\n"
        "  plimsoll serve --listen 127.0.0.1:12434 --upstream http://gpu-box:11434 --budget 90%\n"
        "  plimsoll serve --config plimsoll.toml --log-format json"
    );
    app->callback([app, values, &out] {
        out = ServeOptions{values->file(), values->overrides(*app)};
    });
}

void add_config(CLI::App& root, Command& out) {
    auto* app = root.add_subcommand("config", "Check or show the configuration without starting");
    app->require_subcommand(1);
    app->footer(
        "Examples:\n  plimsoll config check\n  plimsoll config show --config plimsoll.toml "
        "--budget 22GiB"
    );

    auto* check = app->add_subcommand(
        "check", "Name every problem with its file, line and the nearest right key"
    );
    auto check_values = add_settings(*check);
    check->footer(
        "Exit status 0: it would start; 2: it has problems.\n\nExample:\n  plimsoll config check "
        "--config plimsoll.toml"
    );
    check->callback([check, check_values, &out] {
        out = ConfigOptions{
            ConfigOptions::Action::Check, check_values->file(), check_values->overrides(*check)
        };
    });

    auto* show = app->add_subcommand(
        "show", "Print what would be in force, as TOML, with where each value came from"
    );
    auto show_values = add_settings(*show);
    show->footer("Example:\n  PLIMSOLL_BUDGET=22GiB plimsoll config show");
    show->callback([show, show_values, &out] {
        out = ConfigOptions{
            ConfigOptions::Action::Show, show_values->file(), show_values->overrides(*show)
        };
    });

    app->add_subcommand(
           "reference", "Print every setting with its default and meaning, in Markdown"
    )
        ->callback([&out] { out = ConfigOptions{ConfigOptions::Action::Reference, {}, {}}; });
    app->add_subcommand("schema", "Print the JSON schema of the configuration, for editors")
        ->callback([&out] { out = ConfigOptions{ConfigOptions::Action::Schema, {}, {}}; });
}

void add_doctor(CLI::App& root, Command& out) {
    auto* app = root.add_subcommand(
        "doctor", "Look for what is wrong with this installation, with a fix for each finding"
    );
    auto values = add_settings(*app);
    auto options = std::make_shared<DoctorOptions>();
    app->add_option(
           "--url", options->url, "Plimsoll's address [$PLIMSOLL_URL or the configuration's]"
    )
        ->type_name("URL");
    app->add_option("--key-file", options->key_file, "A file with the key to send [$PLIMSOLL_KEY]")
        ->type_name("FILE");
    app->add_flag("--json", options->json, "Print the findings as JSON");
    app->add_option("--root", options->root, "Look for files of the system under it [/]")
        ->type_name("DIR");
    app->footer(
        "Asks the daemon and the servers behind it, reads the configuration, and compares how "
        "Ollama was started\n"
        "with what Plimsoll was told; it changes nothing. Works without a running daemon too. Root "
        "sees more.\n"
        "Exit status 0: nothing is wrong, or only warnings; 1: there is a problem.\n"
        "\n"
        "Examples:\n"
        "  sudo plimsoll doctor\n"
        "  plimsoll doctor --json | jq '.findings[] | select(.level != \"ok\")'\n"
        "  plimsoll doctor --config /etc/plimsoll/plimsoll.toml"
    );
    app->callback([app, values, options, &out] {
        options->config = values->file();
        options->flags = values->overrides(*app);
        out = *options;
    });
}

void add_sim(CLI::App& root, Command& out) {
    auto* app =
        root.add_subcommand("sim", "Run a simulated Ollama: the same API and habits, no weights");
    auto texts = std::make_shared<SimTexts>();
    auto& sim = texts->sim;
    auto const positive = unnamed(CLI::PositiveNumber);
    app->add_option(
           "--listen", texts->listen, "Where it listens [127.0.0.1:11434]; port 0: any free one"
    )
        ->type_name("HOST:PORT");
    app->add_option("--vram", texts->vram, "Physical memory; a load beyond it fails [24GiB]")
        ->type_name("SIZE");
    app->add_option("--models", texts->models, "Catalogue of models in JSON [built in]")
        ->type_name("FILE");
    app->add_option("--load-bandwidth", texts->bandwidth, "How fast weights load [2GiB/s]")
        ->type_name("SPEED");
    app->add_option("--tokens-per-second", sim.tokens_per_second, "How fast answers come [40]")
        ->type_name("N")
        ->check(positive);
    app->add_option("--time-scale", sim.time_scale, "10: everything ten times faster [1]")
        ->type_name("FACTOR")
        ->check(positive);
    app->add_option("--parallel", sim.parallel, "OLLAMA_NUM_PARALLEL [1]")
        ->type_name("N")
        ->check(positive);
    app->add_option("--max-loaded", sim.max_loaded, "OLLAMA_MAX_LOADED_MODELS [3]")
        ->type_name("N")
        ->check(positive);
    app->add_option("--default-ctx", texts->default_ctx, "OLLAMA_CONTEXT_LENGTH [by memory]")
        ->type_name("TOKENS")
        ->check(positive);
    app->add_option("--kv-type", sim.kv_type, "OLLAMA_KV_CACHE_TYPE: f16, q8_0 or q4_0 [f16]")
        ->type_name("TYPE")
        ->check(suggest({"f16", "q8_0", "q4_0", "f32"}))
        ->check(unnamed(CLI::IsMember({"f16", "q8_0", "q4_0", "f32"})));
    app->add_option("--max-queue", sim.max_queue, "OLLAMA_MAX_QUEUE [512]")
        ->type_name("N")
        ->check(positive);
    app->add_option("--seed", sim.seed, "Of everything random [1]")->type_name("N");
    app->footer(
        "It says in every answer that it is simulated. Its books are at GET /sim/v1/books; faults "
        "are set with\n"
        "POST /sim/v1/faults.\n"
        "\n"
        "Examples:\n"
        "  plimsoll sim --vram 24GiB\n"
        "  plimsoll sim --listen 127.0.0.1:0 --time-scale 10 --load-bandwidth 4GiB/s"
    );
    app->callback([texts, &out] { out = texts->read(); });
}

}  // namespace plimsoll::app
