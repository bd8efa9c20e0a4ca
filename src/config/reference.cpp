// The reference of the configuration and its JSON schema, from the table that reads it.

#include "config/settings.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <iterator>
#include <utility>

namespace plimsoll::config {
namespace {

constexpr char kExampleModel[] = "gemma3:27b";

// Every section once.
Config example() {
    Config config = default_config();
    config.upstreams.front().engine.models.emplace(kExampleModel, engine::ModelPolicy{});
    config.chains.mcp_servers.emplace_back();
    config.access.keys.emplace_back();
    return config;
}

// In a cell of a table a bar would end it.
std::string cell(std::string_view text) {
    std::string out;
    for (char const c : text) {
        if (c == '|') {
            out += '\\';
        }
        out += c;
    }
    return out;
}

class TableWriter final : public SectionVisitor {
  public:
    explicit TableWriter(std::string& out) : out_(out) { begin_table(); }

    void section(std::string header, std::string, std::string_view about) override {
        fmt::format_to(std::back_inserter(out_), "\n## `{}`\n\n{}\n\n", header, about);
        begin_table();
    }

    void setting(std::string_view key, Kind const& kind, std::string_view about) override {
        auto const value = kind.write();
        fmt::format_to(
            std::back_inserter(out_),
            "| `{}` | {} | {} | {} |\n",
            key,
            value ? fmt::format("`{}`", cell(*value)) : "none",
            cell(kind.form.words),
            cell(about)
        );
    }

    void later(std::string_view) override {}

  private:
    void begin_table() { out_ += "| setting | default | takes | meaning |\n|---|---|---|---|\n"; }

    std::string& out_;
};

class SchemaWriter final : public SectionVisitor {
  public:
    SchemaWriter() { members_ = &top_; }

    void section(std::string header, std::string path, std::string_view about) override {
        auto const name = path.substr(0, path.find('.'));
        boost::json::object const table{
            {"type", "object"},
            {"description", about},
            {"properties", boost::json::object()},
            {"additionalProperties", false}
        };
        if (header.starts_with("[[")) {
            top_[name] = {{"type", "array"}, {"items", table}};
            members_ = &top_[name].at("items").at("properties").as_object();
        } else if (path.contains('.')) {
            top_[name] = {{"type", "object"}, {"additionalProperties", table}};
            members_ = &top_[name].at("additionalProperties").at("properties").as_object();
        } else {
            top_[name] = table;
            members_ = &top_[name].at("properties").as_object();
        }
    }

    void setting(std::string_view key, Kind const& kind, std::string_view about) override {
        auto schema = kind.form.schema;
        schema["description"] = about;
        (*members_)[key] = std::move(schema);
    }

    void later(std::string_view) override {}

    boost::json::object take() {
        return {
            {"$schema", "https://json-schema.org/draft/2020-12/schema"},
            {"title", "Configuration of Plimsoll"},
            {"type", "object"},
            {"properties", std::move(top_)},
            {"additionalProperties", false}
        };
    }

  private:
    boost::json::object top_;
    boost::json::object* members_;  // of the section that is being visited, within top_
};

}  // namespace

std::string reference() {
    std::string out =
        "# Configuration\n\n"
        "Every setting, as `plimsoll config reference` prints it from the table that reads and "
        "checks them. TOML in\n"
        "`/etc/plimsoll/plimsoll.toml`, `$XDG_CONFIG_HOME/plimsoll/plimsoll.toml` or `--config "
        "FILE`; a variable\n"
        "`PLIMSOLL_<SECTION>_<KEY>` overrides the file, a flag of `plimsoll serve` overrides both. "
        "`plimsoll config check`\n"
        "names what is wrong in a file, `plimsoll config show` what is in force and where it came "
        "from. SIGHUP reads it again.\n"
        "[config/plimsoll.toml](../config/plimsoll.toml) is a file with all of it, and "
        "[config/plimsoll.schema.json](../config/plimsoll.schema.json)\n"
        "lets editors complete and check it (`plimsoll config schema`).\n\n"
        "Bytes are written `\"22GiB\"`, `\"512MiB\"` (powers of 1024), `\"22GB\"` (powers of 1000) "
        "or as a number; times\n"
        "`\"30s\"`, `\"1h30m\"`, `\"250ms\"` or as seconds.\n\n"
        "## At the top of the file\n\n";
    TableWriter writer(out);
    Config config = example();
    visit_all(writer, config);
    return out;
}

std::string json_schema() {
    SchemaWriter writer;
    Config config = example();
    visit_all(writer, config);
    return boost::json::serialize(writer.take()) + "\n";
}

}  // namespace plimsoll::config
