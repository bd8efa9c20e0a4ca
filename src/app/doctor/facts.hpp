#pragma once
// Everything that the checks of `plimsoll doctor` look at, as plain values: gathered once
// (gather.hpp), then judged by pure functions (checks.hpp). What could not be found out says why.

#include "app/doctor/sockets.hpp"
#include "app/systemctl.hpp"

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/time.hpp>
#include <plimsoll/config/config.hpp>
#include <plimsoll/probe/probe.hpp>
#include <plimsoll/probe/processes.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::app::doctor {

using Environment = std::map<std::string, std::string>;

// The configuration as `serve` would read it.
struct ConfigFacts {
    std::vector<config::Problem> problems;
    std::vector<std::string> sources;
    config::Config config;  // the defaults where there are problems
};

// A model in a server's memory.
struct LoadedModel {
    std::string name;
    Bytes size;
    bool foreign = false;  // the daemon did not load it
};

// What the daemon says of itself; without it only `why` is set.
struct DaemonFacts {
    bool runs = false;
    std::string url;
    std::string why;              // why it told nothing
    bool refuses = false;         // it runs, but does not answer us: `why` is its sentence
    bool is_ours = true;          // false: something answers at its address that is no Plimsoll
    bool is_tls_failure = false;  // its certificate, or ours: `why` says what is wrong
    std::string version;
    bool ready = true, draining = false, enabled = true;
    std::uint64_t violations = 0;
    std::vector<LoadedModel> models;
};

// What answers at an upstream's address.
struct Answer {
    bool connected = false;
    std::string error;            // why not
    bool is_tls_failure = false;  // a server is there; `error` says what is wrong
    unsigned version_status = 0;
    std::string version;       // of /api/version; empty: it has none
    bool is_plimsoll = false;  // it is one of us
    std::vector<LoadedModel> loaded;
};

// The process behind an upstream on this host.
struct ServerProcess {
    std::optional<Listener> listener;
    std::optional<Environment> environment;
    std::string source;   // where that was read
    std::string why_not;  // why there is none
};

struct UpstreamFacts {
    std::string name, url;
    std::string host;
    std::uint16_t port = 0;
    bool is_local = false;         // on this host
    net::TlsClientSettings tls{};  // of an https URL
    std::string api_key;           // what the server wants; never shown
    // How Plimsoll believes the server to be set up; nullopt: not said.
    std::uint64_t max_loaded = 0, parallel = 0;
    std::string kv_type, flash_attention;  // as the configuration writes them
    std::optional<std::uint64_t> default_ctx;
    Duration load_timeout{};
    Bytes budget;
    bool over_budget = false;
    std::string budget_warning;  // of resolve_budget
    Answer answer;
    ServerProcess process;
};

struct DeviceFacts {
    std::string source;  // "NVML"; empty: no driver tells
    std::string problem;
    std::vector<probe::Card> cards;

    struct Process {
        probe::CardProcess process;
        std::string command;
        bool is_of_server = false;
    };

    std::vector<Process> processes;
    std::string processes_problem;  // why they are not known
};

struct FileFacts {
    std::filesystem::path path;
    bool exists = false;
    bool is_readable = false, is_writable = false;
    unsigned mode = 0;  // permission bits
    std::string owner;
    Bytes size;
};

// The certificate of Plimsoll's listeners.
struct CertificateFacts {
    bool is_configured = false;
    std::string problem;  // why it cannot be used; else what it is:
    net::CertificateFacts facts;
};

struct StateFacts {
    // It belongs to a service that keeps it from this user.
    bool is_hidden = false;

    FileFacts file;
    FileFacts folder;                    // the nearest one that exists
    std::string integrity;               // "ok", or what quick_check said
    std::optional<Bytes> free;           // of its file system
    std::optional<double> age;           // seconds since it was written; negative: in the future
    std::vector<std::string> set_aside;  // broken ones of before
};

struct HostFacts {
    std::uint64_t wall_seconds = 0;  // since 1970
    std::optional<bool> is_synchronised;
    std::uint64_t max_files = 0;  // of the daemon, or what it would get
    bool max_files_of_daemon = false;
    Bytes swap_total, swap_used;
    Bytes server_swap;              // of the model servers' processes
    Environment shell;              // of whoever runs the doctor: OLLAMA_HOST
    std::string login_ollama_host;  // of /etc/environment
    bool has_systemd = false;
    std::optional<Unit> plimsoll_unit, ollama_unit;
};

struct Facts {
    ConfigFacts config;
    DaemonFacts daemon;
    std::vector<UpstreamFacts> upstreams;
    DeviceFacts device;
    SocketTable sockets;
    StateFacts state;
    CertificateFacts certificate;
    std::vector<FileFacts> config_files;
    std::vector<FileFacts> key_files;
    HostFacts host;
};

}  // namespace plimsoll::app::doctor
