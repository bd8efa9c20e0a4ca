// estimate: what a model would take, and the largest context that fits.

#include "app/cli_tree.hpp"

#include <plimsoll/base/text.hpp>

#include <limits>
#include <memory>

namespace plimsoll::app {
namespace {

constexpr char const* kFooter =
    "Predicted is what the model takes on the device: weights, cache, compute buffer, and one "
    "process. Booked\n"
    "is that and a margin: what the budget holds for it until it has been measured.\n"
    "--fit BYTES finds the largest context whose predicted bytes fit; --fit budget the largest "
    "that Plimsoll\n"
    "would load. With --show no Plimsoll is needed. Exit status 1: it would not load, or nothing "
    "fits.\n"
    "\n"
    "Examples:\n"
    "  plimsoll estimate llama3.1:8b --num-ctx 32768\n"
    "  plimsoll estimate gemma3:27b --fit 24GiB --kv-cache-type q8_0\n"
    "  curl -s localhost:11434/api/show -d '{\"model\":\"qwen3:8b\"}' > show.json\n"
    "  plimsoll estimate --show show.json --parallel 4 --json | jq .total";

struct EstimateTexts {
    EstimateOptions options;
    std::string fit, overhead;

    [[nodiscard]] EstimateOptions read() const;
};

Bytes size_in(char const* flag, std::string const& text) {
    auto const size = parse_bytes(text);
    if (!size) {
        throw CLI::ValidationError(
            flag, "\"" + printable(text, 40) + "\" is no size; write 8GiB or a number of bytes"
        );
    }
    return *size;
}

EstimateOptions EstimateTexts::read() const {
    EstimateOptions out = options;
    if (out.model.empty() && out.show.empty()) {
        throw CLI::ValidationError("MODEL", "name a model, or a file with --show FILE");
    }
    if (!fit.empty() && fit != "budget") {
        out.fit = size_in("--fit", fit);
    }
    if (fit == "budget" && !out.show.empty()) {
        throw CLI::ValidationError(
            "--fit", "a file has no budget; write --fit 24GiB, or leave --show out"
        );
    }
    if (!overhead.empty()) {
        if (out.show.empty()) {
            throw CLI::ValidationError(
                "--overhead", "is for --show; a running Plimsoll knows its device"
            );
        }
        out.overhead = size_in("--overhead", overhead);
    }
    return out;
}

CLI::Validator at_least(std::uint32_t least) {
    return unnamed(CLI::Range(least, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

void add_estimate(CLI::App& root, Command& out, std::string const& default_url) {
    auto* app = root.add_subcommand(
        "estimate", "How many bytes a model takes, by part, and the largest context that fits"
    );
    auto texts = std::make_shared<EstimateTexts>();
    auto& options = texts->options;
    options.url = default_url;
    app->add_option("model", options.model, "Its name, as in `ollama list`")->type_name("MODEL");
    app->add_option(
           "--show", options.show, "A saved answer of /api/show instead; -: standard input"
    )
        ->type_name("FILE");
    app->add_option("--num-ctx", options.num_ctx, "Context of a slot [the model's, or 4096]")
        ->type_name("TOKENS")
        ->check(at_least(1));
    app->add_option("--parallel", options.parallel, "Slots [the upstream's, or 1]")
        ->type_name("N")
        ->check(at_least(1));
    app->add_option("--kv-cache-type", options.kv_type, "f16, q8_0, q4_0, f32 [the upstream's]")
        ->type_name("TYPE")
        ->check(suggest({"f16", "q8_0", "q4_0", "f32"}))
        ->check(unnamed(CLI::IsMember({"f16", "q8_0", "q4_0", "f32"}, CLI::ignore_case)));
    app->add_option("--flash-attention", options.flash_attention, "on, off, auto [the upstream's]")
        ->type_name("WHEN")
        ->check(suggest({"on", "off", "auto"}))
        ->check(unnamed(CLI::IsMember({"on", "off", "auto"})));
    app->add_option("--num-batch", options.num_batch, "Tokens of a batch [as the upstream chooses]")
        ->type_name("N")
        ->check(at_least(1));
    app->add_option("--draft-num-predict", options.draft_num_predict, "Tokens drafted ahead [0]")
        ->type_name("N");
    app->add_option("--fit", texts->fit, "Largest context in so many bytes [budget]")
        ->type_name("BYTES");
    app->add_option("--overhead", texts->overhead, "With --show: bytes of a process [450MiB]")
        ->type_name("BYTES");
    app->add_flag("--json", options.json, "JSON instead of a table");
    add_daemon(*app, options.url, options.key_file);
    app->footer(kFooter);
    app->callback([texts, &out] { out = texts->read(); });
}

}  // namespace plimsoll::app
