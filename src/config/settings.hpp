#pragma once
// Every setting that exists, once: its section, its key, its kind and its limits. Reading, `config
// show` and the list of known keys all walk through here.

#include "config/kinds.hpp"

#include <string_view>

namespace plimsoll::config {

class Visitor {
  public:
    virtual ~Visitor() = default;
    // `about`: one sentence for people.
    virtual void setting(std::string_view key, Kind const& kind, std::string_view about) = 0;
    // A key of a later version: recognised, and refused with that sentence.
    virtual void later(std::string_view key) = 0;
};

// Also told where each section begins.
class SectionVisitor : public Visitor {
  public:
    // `header` as in the file ("[[upstream]]"), `path` of its settings ("upstream.0").
    virtual void section(std::string header, std::string path, std::string_view about) = 0;
};

// The whole configuration, in the order of the file. Everything that exists is visited: each
// upstream, model and tool server, and none where there is none.
void visit_all(SectionVisitor& visitor, Config& config);

void visit_server(Visitor& visitor, Config& config);
void visit_admin(Visitor& visitor, AdminSettings& admin);
void visit_upstream(Visitor& visitor, UpstreamSettings& settings);
// Of connections that we open: to an upstream, to a tool server.
void visit_client_tls(Visitor& visitor, net::TlsClientSettings& tls);
// `shared` becomes the start of every upstream's engine settings.
void visit_scheduler(Visitor& visitor, engine::EngineConfig& shared);
void visit_management(Visitor& visitor, Config& config, engine::EngineConfig& shared);
void visit_model(Visitor& visitor, engine::ModelPolicy& policy);
void visit_device(Visitor& visitor, Config& config);
void visit_access(Visitor& visitor, AccessSettings& settings);
void visit_key(Visitor& visitor, access::Key& key);
void visit_log(Visitor& visitor, log::LogConfig& config);

// The folder as text; the kind refers to it, so it must outlive the visit.
struct ChainTexts {
    std::string directory;
};

void visit_chains(Visitor& visitor, chain::ChainsConfig& config, ChainTexts& texts);
void visit_mcp_server(Visitor& visitor, chain::McpServerConfig& config);

// Paths as texts; the kinds refer to them, so they must outlive the visit.
struct TopTexts {
    std::string state_file, record;
};

void visit_top(Visitor& visitor, Config& config, TopTexts& texts);

// What holds without any file.
Config default_config();

}  // namespace plimsoll::config
