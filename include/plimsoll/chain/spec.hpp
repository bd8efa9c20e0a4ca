#pragma once
// A chain as it is written: steps, breakers, and how models are managed meanwhile. Plain data; what
// parse_spec() returns has been checked whole, so that a run meets no error of the document.

#include <plimsoll/base/time.hpp>
#include <plimsoll/chain/breaker.hpp>
#include <plimsoll/chain/problem.hpp>
#include <plimsoll/chain/template.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::chain {

// A model, and how it is asked.
struct ModelUse {
    std::string provider;  // "ollama" of "ollama/NAME"; empty: not said
    std::string model;
    std::string api_base;  // URL of a configured upstream; empty: any that has the model
    Duration timeout = std::chrono::minutes(30);
    unsigned max_retries = 3;
    bool stream = true;
    boost::json::object options;  // Ollama's, checked by the upstream
    std::optional<std::uint32_t> num_ctx;
    std::optional<boost::json::value> keep_alive, think, format;  // as Ollama takes them
};

// MCP tools that a prompt may call.
struct ToolUse {
    std::vector<std::string> servers;  // ids of the configuration
    std::vector<std::string> tools;    // names; empty: all of these servers
    unsigned max_rounds = 8;           // answers with calls, before the model has to end
};

struct Step {
    enum class Kind : std::uint8_t {
        Prompt,  // one question to a model
        Tool,    // one call of an MCP tool
        Map,     // the same steps for each item of a JSON list; gives the list of what they gave
        Loop,    // the same steps again until a breaker stops it, or max_rounds
    };

    Kind kind = Kind::Prompt;
    std::string name;     // may be empty
    std::string pointer;  // into the document, for messages

    // Prompt
    ModelUse model;
    std::vector<ModelUse> fallbacks;  // tried in order when the one before failed
    Template instruction;
    std::optional<Template> system;
    ToolUse tools;

    // Tool
    std::string server, tool;
    boost::json::object arguments;  // each text in it is a template

    // Map, Loop
    Template items;  // Map: becomes a JSON list
    std::vector<Step> steps;
    unsigned parallel = 1;    // Map: items at a time
    unsigned max_rounds = 1;  // Loop
};

// What a breaker does when its condition is met.
struct BreakerAction {
    enum class Kind : std::uint8_t { Stop, Jump, Retry };
    Kind kind = Kind::Stop;
    std::optional<Template> output;       // Stop: instead of the step's own
    std::string step;                     // Jump: its name
    std::optional<ModelUse> model;        // Retry: instead of the step's own
    std::optional<Template> instruction;  // Retry
    unsigned at_most = 1;                 // times in a run
};

struct Breaker {
    Condition when;
    BreakerAction then;
};

// Overrides of the global settings; nullopt: as configured.
struct Management {
    bool enabled = true;  // false: requests pass through, nothing is loaded or unloaded for the run
    std::string provider;
    std::optional<bool> auto_unload, verbose;
    std::optional<std::uint32_t> max_loaded_models, num_ctx;
};

struct Spec {
    std::string name, description;
    std::vector<Step> steps;
    std::vector<Breaker> breakers;
    Management management;
    std::optional<bool> initial_cleanup, final_cleanup;
    std::map<std::string, std::string> vars;  // defaults; a run may give others
    std::optional<Duration> timeout;          // of the whole run
    bool durable = true;
};

// All problems, in the order of the document. Also the short form {"models": [...],
// "instructions": [...]}, one each.
std::expected<Spec, std::vector<Problem>> parse_spec(boost::json::value const& document);

}  // namespace plimsoll::chain
