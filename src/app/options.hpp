#pragma once
// What a command line says, as plain values: the seam between the parser (CLI11, two source files)
// and everything that runs. Values; any thread.

#include <plimsoll/access/key.hpp>
#include <plimsoll/base/time.hpp>
#include <plimsoll/config/config.hpp>
#include <plimsoll/sim/simulator.hpp>
#include <plimsoll/trace/csv.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace plimsoll::app {

struct ServeOptions {
    std::optional<std::filesystem::path> config;
    config::Overrides flags;
};

struct ConfigOptions {
    enum class Action : std::uint8_t { Check, Show, Reference, Schema };
    Action action = Action::Check;
    std::optional<std::filesystem::path> file;
    config::Overrides flags;
};

struct SimOptions {
    sim::SimConfig sim;
};

// The commands that talk to a running Plimsoll.
struct ClientOptions {
    enum class Action : std::uint8_t { Status, Ps, Queue, Plan, Load, Unload, Pin, Unpin, Cleanup };
    Action action = Action::Status;
    std::string url = "http://127.0.0.1:11435";
    std::string key_file;  // with our key; empty: $PLIMSOLL_KEY
    bool json = false;
    std::string model;
    std::vector<std::string> models;       // of plan: each by itself
    std::optional<std::uint32_t> num_ctx;  // tokens
    std::string priority;                  // of plan; empty: the model's
    std::optional<Duration> pin_for;
};

// What a model would take: asked of a running Plimsoll, or told from a saved answer of /api/show.
struct EstimateOptions {
    std::string url = "http://127.0.0.1:11435";
    std::string key_file;  // with our key; empty: $PLIMSOLL_KEY
    std::string model;
    std::string show;  // file; "-": standard input; empty: the daemon is asked
    std::optional<std::uint32_t> num_ctx, parallel, num_batch, draft_num_predict;
    std::string kv_type, flash_attention;  // empty: the upstream's, or f16 and auto
    std::optional<Bytes> fit;              // nullopt: the budget
    std::optional<Bytes> overhead;         // of a process; of a file only
    bool json = false;
};

enum class GroupBy : std::uint8_t { Nothing, Model, Client };

// Every budget with every factor and every patience. What is empty is as recorded, else the
// default.
struct SimulateOptions {
    std::string trace;     // file; "-": standard input; empty: a load is generated
    std::string generate;  // its specification
    std::string pool;      // of a recording with several
    std::vector<Bytes> budgets;
    std::vector<double> quantum_factors;
    std::vector<Duration> patiences;  // of the normal class
    std::optional<std::size_t> parallel;
    std::optional<std::size_t> max_loaded;
    std::optional<core::KeepAlive> keep_alive;
    trace::CsvOptions csv;
    GroupBy by = GroupBy::Nothing;
    bool picture = false;
    bool json = false;
    std::string svg;  // file; empty: none
};

struct ReplayOptions {
    std::string file;
    Duration from{};             // since the recording's start
    std::optional<Duration> to;  // nullopt: until its end
    std::string model;           // empty: every one
    bool quiet = false;
    bool json = false;
};

// Chains of prompts, run and saved by a running Plimsoll.
struct ChainOptions {
    enum class Action : std::uint8_t { Run, List, Show, Check, Save, Delete };
    Action action = Action::List;
    std::string url = "http://127.0.0.1:11435";
    std::string key_file;              // with our key; empty: $PLIMSOLL_KEY
    std::string name;                  // of a saved chain; of run: empty if a file is run
    std::string file;                  // "-": standard input
    std::optional<std::string> input;  // "-": standard input; nullopt: that, if it is no terminal
    std::map<std::string, std::string> vars;
    bool json = false;
    bool quiet = false;
};

// Runs of chains.
struct RunsOptions {
    enum class Action : std::uint8_t { List, Show, Cancel, Resume };
    Action action = Action::List;
    std::string url = "http://127.0.0.1:11435";
    std::string key_file;  // with our key; empty: $PLIMSOLL_KEY
    std::string id;
    std::uint32_t limit = 20;
    bool json = false;
    bool quiet = false;  // of resume
    bool detach = false;
};

// Keys of those who call.
struct KeyOptions {
    enum class Action : std::uint8_t { Create, List, Revoke, Hash, Rights };
    Action action = Action::List;
    access::Key key;  // of create and hash; of revoke its name
    std::optional<std::filesystem::path> config;
    std::optional<std::filesystem::path> file;  // nullopt: where the configuration says
    bool json = false;
};

// Whether a Plimsoll answers, for containers and scripts.
struct HealthOptions {
    std::string url = "http://127.0.0.1:11435";
    bool is_ready = false;  // asks for more than life: that its upstreams answer
};

// A text about the command line itself: a completion script, the man page.
struct PrintOptions {
    std::string text;
};

// What may be wrong with this installation, and what to do about it.
struct DoctorOptions {
    std::optional<std::filesystem::path> config;
    config::Overrides flags;
    std::string url;                   // of the daemon; empty: $PLIMSOLL_URL, or the configuration
    std::string key_file;              // with our key; empty: $PLIMSOLL_KEY
    std::filesystem::path root = "/";  // files of the system are looked for under it
    bool json = false;
};

// Plimsoll in the place of a host's Ollama.
struct TakeoverOptions {
    bool dry_run = false;
    bool undo = false;
    std::uint16_t ollama_port = 0;                // 0: a free one
    Duration patience = std::chrono::minutes(1);  // for each of them to answer
    std::string key_file;                         // with our key; empty: $PLIMSOLL_KEY
    std::filesystem::path root = "/";
};

// The live view of a running Plimsoll.
struct TopOptions {
    std::string url = "http://127.0.0.1:11435";
    std::string key_file;                         // with our key; empty: $PLIMSOLL_KEY
    Duration interval = std::chrono::seconds(1);  // between looks at the daemon
    bool once = false;                            // one frame as plain text
};

struct VersionOptions {};

using Command = std::variant<
    ServeOptions,
    ConfigOptions,
    SimOptions,
    ClientOptions,
    EstimateOptions,
    SimulateOptions,
    ReplayOptions,
    ChainOptions,
    RunsOptions,
    KeyOptions,
    HealthOptions,
    PrintOptions,
    DoctorOptions,
    TakeoverOptions,
    TopOptions,
    VersionOptions>;

// Nothing to run: help was asked for, or the command line is wrong.
struct Exit {
    int status = 0;
    std::string out;  // to standard output
    std::string err;  // to standard error
};

}  // namespace plimsoll::app
