#pragma once
// The whole configuration, read from TOML, environment and flags, checked strictly: all problems at
// once, each with file, line and the nearest right key. Values; any thread.

#include <plimsoll/access/guard.hpp>
#include <plimsoll/base/result.hpp>
#include <plimsoll/chain/config.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/log/log.hpp>
#include <plimsoll/net/server.hpp>
#include <plimsoll/net/tls.hpp>
#include <plimsoll/proxy/proxy.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <boost/json/value.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::config {

struct Budget {
    enum class Kind : std::uint8_t { Absolute, Percent, Auto };
    Kind kind = Kind::Auto;
    Bytes bytes;         // Absolute
    double percent = 0;  // Percent, 0..100
};

struct UpstreamSettings {
    upstream::UpstreamConfig upstream;
    Budget budget;
    Bytes reserve;
    engine::EngineConfig engine;  // scheduler.budget is filled by resolve_budget
    std::string api_key_file;     // empty: none
};

struct AccessSettings {
    std::vector<access::Key> keys;       // [[key]]
    std::string key_file;                // empty: the default place
    bool trusts_admin_socket = true;     // whoever may open the admin socket needs no key
    bool allows_open_listen = false;     // server.allow_open_listen
    std::vector<access::Key> file_keys;  // of the key file
    bool is_closed = false;              // requests need a key: there is one, or a key file
};

// Of the listener for administration; an empty address: there is none.
struct AdminSettings {
    std::string address;
    std::uint16_t port = 0;

    bool operator==(AdminSettings const&) const = default;
};

// Of every listener but Unix sockets; no files: they are plain.
struct ServerTls {
    net::TlsServerFiles files;
    Duration check_interval = std::chrono::minutes(1);  // how often they are looked at; zero: never
};

struct Config {
    net::ServerConfig server;
    ServerTls tls;
    AdminSettings admin;
    proxy::ProxyConfig proxy;
    Duration drain_timeout = std::chrono::seconds(60);
    std::vector<UpstreamSettings> upstreams;
    log::LogConfig log;
    std::filesystem::path state_file;  // empty: the default place
    // Where the drivers of this host's cards are asked for their memory; empty: not at all.
    std::string nvml_library = "libnvidia-ml.so.1";
    std::string drm_folder = "/sys/class/drm";
    std::filesystem::path record;  // every event of the schedulers goes there; empty: nowhere
    bool enabled = true;           // management.enabled
    AccessSettings access;
    chain::ChainsConfig chains;  // empty directory: beside the state file
};

struct Problem {
    std::string file;
    unsigned line = 0;  // 0: not from a file
    std::string text;   // "unknown key \"budgett\" in [[upstream]]; did you mean \"budget\"?"
};

std::string to_string(Problem const& problem);

// Flags and environment override the file: pairs of dotted key and text, e.g. {"upstream.budget",
// "22GiB"}.
using Overrides = std::vector<std::pair<std::string, std::string>>;

struct Loaded {
    Config config;
    std::vector<std::string> sources;  // files read, for `config show`
    // Where a setting that is not the default came from, by path ("upstream.0.url"): "FILE:12",
    // "environment", "flag".
    std::map<std::string, std::string> origins;
};

std::expected<Loaded, std::vector<Problem>> load(
    std::optional<std::filesystem::path> const& file,
    Overrides const& environment,
    Overrides const& flags
);
// The same from text, for tests, fuzzing and `config check -`.
std::expected<Config, std::vector<Problem>> parse(
    std::string_view toml, std::string_view file_name
);

// Takes in what lies in files of its own (the key file, credentials of upstreams), and then refuses
// a listener that would let strangers in. `default_key_file` counts where the configuration names
// no place. Empty: all is well.
std::vector<Problem> take_in_secrets(Loaded& loaded, std::filesystem::path const& default_key_file);

// Why nobody should listen there under this configuration, from the address on; nullopt: it may.
// Both keys and TLS are wanted where other machines can reach it, unless
// server.allow_open_listen.
std::optional<std::string> why_not_to_listen(Config const& config, std::string_view address);

// The keys of a key file, [[key]] tables and nothing else; none if there is no such file. Problems
// too: it can be changed by others than its owner.
std::expected<std::vector<access::Key>, std::vector<Problem>> read_key_file(
    std::filesystem::path const& file
);
// Such tables, as read_key_file() reads them.
std::string to_toml(std::vector<access::Key> const& keys);
// What the daemon lets in, by its configuration.
access::Policy policy_of(AccessSettings const& settings);

// Any TOML document as JSON, for what is written in TOML besides the configuration. The problem has
// no file.
std::expected<boost::json::value, Problem> toml_to_json(std::string_view toml);

// $PLIMSOLL_* to overrides: PLIMSOLL_LISTEN, PLIMSOLL_UPSTREAM, PLIMSOLL_BUDGET, ...,
// PLIMSOLL_CONFIG apart.
Overrides environment_overrides(char const* const* environ);

// The effective configuration as TOML, with comments that say where each value came from.
std::string show(Loaded const& loaded);

// Every setting with its default, what it takes and what it means, as Markdown, and the same as a
// JSON schema.
std::string reference();
std::string json_schema();

// Which settings differ and cannot change without a restart (listen address, upstreams added or
// removed).
std::vector<std::string> needs_restart(Config const& running, Config const& wanted);

// A model falls to the CPU in part where less than this stays free on its card when it has been
// loaded: a margin of the runtime's own (docs/memory.md, "What has to stay free").
inline constexpr Bytes kFitMargin = gibibytes(1);

struct Limits {
    Bytes budget;                       // what the pool may use
    std::vector<core::Card> cards;      // of several, each one's part of it; else empty
    std::optional<Bytes> device_total;  // of all cards; nullopt: no driver tells
};

// "auto" is all of each card but the reserve, or kFitMargin if that is more; a percentage is of
// each card, bytes are shared among several by their size, the reserve stays free on each.
// card_totals: empty where no driver tells. `warning` is set where nothing could be measured, or
// where the budget leaves too little free.
Limits resolve_budget(
    Budget const& budget,
    Bytes reserve,
    std::vector<Bytes> const& card_totals,
    Bytes host_memory,
    std::string& warning
);

}  // namespace plimsoll::config
