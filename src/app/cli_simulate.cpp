// simulate: what other budgets and settings would have made of recorded traffic.

#include "app/cli_tree.hpp"

#include <plimsoll/base/text.hpp>

#include <memory>

namespace plimsoll::app {
namespace {

constexpr char const* kFooter =
    "TRACE is a recording of `plimsoll serve --record`, whose settings then hold where no flag "
    "says otherwise, or a\n"
    "CSV file, whose first line names its columns: time (seconds, or 2026-11-23 16:57:50), "
    "model, seconds\n"
    "(how long the answer takes), and if you like size (5.2GiB), load_seconds, unload_seconds, "
    "client, priority.\n"
    "SPEC is any of models=8,clients=20,rate=0.2 (requests a second),seconds=3600,zipf=1.1 "
    "(popularity),answer=20\n"
    "(mean seconds),lengths=lognormal|exponential|equal,sizes=2GiB..20GiB or 4GiB/8GiB,seed=1.\n"
    "The requests go through the daemon's own scheduler, in simulated time; models do not slow "
    "each other down.\n"
    "\n"
    "Examples:\n"
    "  plimsoll simulate day.csv --budget 16GiB --budget 24GiB\n"
    "  plimsoll simulate day.csv --budget 24GiB --by model --picture --size qwen3:32b=22GiB\n"
    "  plimsoll simulate day.rec --budget 24GiB --patience 15s --patience 60s\n"
    "  plimsoll simulate --generate models=12,rate=0.5,sizes=4GiB..16GiB --budget 24GiB";

struct SimulateTexts {
    SimulateOptions options;
    std::vector<std::string> budgets, patiences, sizes;
    std::string bandwidth = "2GB", keep_alive, by;
    std::size_t parallel = 0, max_loaded = 0;  // 0: not given

    [[nodiscard]] SimulateOptions read() const;
};

[[noreturn]] void refuse(char const* flag, std::string const& text, char const* wanted) {
    throw CLI::ValidationError(flag, "\"" + printable(text, 40) + "\" is no " + wanted);
}

Bytes size_of(char const* flag, std::string const& text) {
    auto const size = parse_bytes(text);
    if (!size || size->is_zero()) {
        refuse(flag, text, "size; write 24GiB");
    }
    return *size;
}

SimulateOptions SimulateTexts::read() const {
    SimulateOptions out = options;
    if (out.trace.empty() == out.generate.empty()) {
        throw CLI::ValidationError(
            out.trace.empty() ? "name a TRACE, or say --generate SPEC for a load without one"
                              : "a TRACE and --generate are two sources of requests; name one"
        );
    }
    for (auto const& text : budgets) {
        out.budgets.push_back(size_of("--budget", text));
    }
    for (auto const& text : patiences) {
        auto const patience = parse_duration(text);
        if (!patience) {
            refuse("--patience", text, "time; write 15s");
        }
        out.patiences.push_back(*patience);
    }
    for (auto const& text : sizes) {
        auto const at = text.rfind('=');
        if (at == std::string::npos || at == 0) {
            refuse("--size", text, "NAME=SIZE");
        }
        out.csv.sizes[text.substr(0, at)] = size_of("--size", text.substr(at + 1));
    }
    out.csv.load_bandwidth = parse_bandwidth(bandwidth);
    if (keep_alive == "-1") {
        out.keep_alive = core::KeepAlive{core::KeepAlive::Kind::Forever, {}};
    } else if (!keep_alive.empty()) {
        auto const time = parse_duration(keep_alive);
        if (!time) {
            refuse("--keep-alive", keep_alive, "time; write 5m, or -1 for ever");
        }
        out.keep_alive = core::KeepAlive{core::KeepAlive::Kind::For, *time};
    }
    out.parallel = parallel > 0 ? std::optional(parallel) : std::nullopt;
    out.max_loaded = max_loaded > 0 ? std::optional(max_loaded) : std::nullopt;
    out.by = by == "model" ? GroupBy::Model : by == "client" ? GroupBy::Client : GroupBy::Nothing;
    return out;
}

}  // namespace

void add_simulate(CLI::App& root, Command& out) {
    auto* app = root.add_subcommand(
        "simulate", "What other budgets and settings would make of recorded or made-up traffic"
    );
    auto texts = std::make_shared<SimulateTexts>();
    auto& options = texts->options;
    auto const positive = unnamed(CLI::PositiveNumber);
    app->add_option(
           "trace",
           options.trace,
           "Recording, or CSV file with a line for each request; -: standard input"
    )
        ->type_name("TRACE");
    app->add_option("--generate", options.generate, "Instead: made-up requests, by numbers")
        ->type_name("SPEC");
    app->add_option(
           "--budget", texts->budgets, "What models may take [as recorded]; several are compared"
    )
        ->type_name("SIZE");
    app->add_option(
           "--quantum-factor",
           options.quantum_factors,
           "How long a busy model is safe, in load times [8]; several are compared"
    )
        ->type_name("N")
        ->check(unnamed(CLI::Range(1.0, 100.0)));
    app->add_option(
           "--patience", texts->patiences, "A wait beyond it is overdue [15s]; several are compared"
    )
        ->type_name("TIME");
    app->add_option("--parallel", texts->parallel, "Requests a model serves at once [1]")
        ->type_name("N")
        ->check(positive);
    app->add_option("--max-loaded", texts->max_loaded, "Models in memory at once [3]")
        ->type_name("N")
        ->check(positive);
    app->add_option(
           "--keep-alive", texts->keep_alive, "How long an idle model stays [5m]; -1: for ever"
    )
        ->type_name("TIME");
    app->add_option("--size", texts->sizes, "A model's memory, where the file does not say it")
        ->type_name("NAME=SIZE");
    app->add_option("--load-bandwidth", texts->bandwidth, "How fast weights load [2GB/s]")
        ->type_name("SPEED");
    app->add_option("--pool", options.pool, "Which upstream of a recording with several")
        ->type_name("NAME");
    app->add_option("--by", texts->by, "Also a line for each model or client")
        ->type_name("model|client")
        ->check(suggest({"model", "client"}))
        ->check(unnamed(CLI::IsMember({"model", "client"})));
    app->add_flag("--picture", options.picture, "Also what was in memory when, in characters");
    app->add_option("--svg", options.svg, "Write that picture of the first budget as SVG")
        ->type_name("FILE");
    app->add_flag("--json", options.json, "JSON instead of tables");
    app->footer(kFooter);
    app->callback([texts, &out] { out = texts->read(); });
}

}  // namespace plimsoll::app
