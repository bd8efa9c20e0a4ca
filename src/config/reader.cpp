#include "config/reader.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace plimsoll::config {

namespace {

constexpr std::array<std::string_view, 12> kSections = {
    "server",
    "admin",
    "upstream",
    "scheduler",
    "management",
    "models",
    "chains",
    "mcp_server",
    "key",
    "access",
    "device",
    "log",
};

std::string later_text(std::string_view what) {
    return fmt::format("{} is not in this version yet; remove it", what);
}

// The table of a section; nullptr: absent, or no table (reported).
Table const* section(Table const& top, std::string_view key, Report& report) {
    Value const* const value = find(top, key);
    if (value == nullptr) {
        return nullptr;
    }
    if (value->table() == nullptr) {
        report.add(
            value->origin,
            fmt::format("\"{0}\" is a section; write [{0}] on a line of its own", key)
        );
    }
    return value->table();
}

template <class Visit>
void read_section(Table const& top, std::string_view key, Report& report, Visit const& visit) {
    Table const* const table = section(top, key, report);
    if (table != nullptr) {
        SectionReader reader(*table, fmt::format("[{}]", key), std::string(key), report);
        visit(reader);
        reader.finish();
    }
}

void read_model(Member const& member, Report& report, engine::EngineConfig& shared, Origins& seen) {
    std::string const title = fmt::format("[models.\"{}\"]", printable(member.key, 100));
    Result<ModelName> const name = ModelName::parse(member.key);
    if (!name) {
        report.add(
            member.value.origin,
            title + ": this is not a model name; write for example [models.\"gemma3:4b\"]"
        );
        return;
    }
    if (member.value.table() == nullptr) {
        report.add(member.value.origin, title + " is a section; write it on a line of its own");
        return;
    }
    auto const [first, is_new] = seen.emplace(name->key(), member.value.origin);
    if (!is_new) {
        report.add(
            member.value.origin,
            fmt::format(
                "{} names the same model as the section at {}", title, describe(first->second)
            )
        );
        return;
    }
    SectionReader reader(*member.value.table(), title, "models." + name->key(), report);
    visit_model(reader, shared.models[name->key()]);
    reader.finish();
}

void read_models(Table const& top, Report& report, engine::EngineConfig& shared) {
    Table const* const models = section(top, "models", report);
    if (models == nullptr) {
        return;
    }
    Origins seen;
    for (Member const& member : *models) {
        read_model(member, report, shared, seen);
    }
}

void read_upstreams(
    Table const& top, Report& report, engine::EngineConfig const& shared, Config& config
) {
    for (UpstreamSettings& settings : config.upstreams) {
        settings.engine = shared;
    }
    Value const* const value = find(top, "upstream");
    if (value == nullptr) {
        return;
    }
    Value::Array const* const items = value->array();
    if (items == nullptr) {
        report.add(
            value->origin, "there can be several upstreams: write [[upstream]] with two brackets"
        );
        return;
    }
    config.upstreams.clear();
    config.upstreams.reserve(items->size());
    for (std::size_t i = 0; i < items->size(); ++i) {
        Table const* const table = (*items)[i].table();
        if (table == nullptr) {
            report.add(
                (*items)[i].origin,
                "an upstream is a section; write [[upstream]] on a line of its own"
            );
            continue;
        }
        report.origins[fmt::format("upstream.{}", i)] = (*items)[i].origin;
        UpstreamSettings& settings = config.upstreams.emplace_back();
        settings.engine = shared;
        SectionReader reader(*table, "[[upstream]]", fmt::format("upstream.{}", i), report);
        visit_upstream(reader, settings);
        reader.finish();
    }
    if (items->empty()) {
        report.add(value->origin, "there is no upstream; remove this line or write [[upstream]]");
    }
}

void read_mcp_servers(Table const& top, Report& report, chain::ChainsConfig& config) {
    Value const* const value = find(top, "mcp_server");
    if (value == nullptr) {
        return;
    }
    Value::Array const* const items = value->array();
    if (items == nullptr) {
        report.add(
            value->origin,
            "there can be several MCP servers: write [[mcp_server]] with two brackets"
        );
        return;
    }
    config.mcp_servers.reserve(items->size());
    for (std::size_t i = 0; i < items->size(); ++i) {
        Table const* const table = (*items)[i].table();
        if (table == nullptr) {
            report.add(
                (*items)[i].origin,
                "an MCP server is a section; write [[mcp_server]] on a line of its own"
            );
            continue;
        }
        auto const path = fmt::format("mcp_server.{}", i);
        report.origins[path] = (*items)[i].origin;
        auto& settings = config.mcp_servers.emplace_back();
        SectionReader reader(*table, "[[mcp_server]]", path, report);
        visit_mcp_server(reader, settings);
        reader.finish();
    }
}

}  // namespace

std::vector<access::Key> read_keys(Table const& top, Report& report) {
    std::vector<access::Key> keys;
    Value const* const value = find(top, "key");
    if (value == nullptr) {
        return keys;
    }
    Value::Array const* const items = value->array();
    if (items == nullptr) {
        report.add(value->origin, "there can be several keys: write [[key]] with two brackets");
        return keys;
    }
    keys.reserve(items->size());
    for (std::size_t i = 0; i < items->size(); ++i) {
        Table const* const table = (*items)[i].table();
        if (table == nullptr) {
            report.add(
                (*items)[i].origin, "a key is a section; write [[key]] on a line of its own"
            );
            continue;
        }
        auto const path = fmt::format("key.{}", i);
        report.origins[path] = (*items)[i].origin;
        SectionReader reader(*table, "[[key]]", path, report);
        visit_key(reader, keys.emplace_back());
        reader.finish();
    }
    check_keys(keys, report);
    return keys;
}

SectionReader::SectionReader(
    Table const& table, std::string title, std::string path, Report& report
)
    : table_(table), title_(std::move(title)), path_(std::move(path)), report_(report) {}

std::string SectionReader::in_title() const {
    return title_.empty() ? std::string() : " in " + title_;
}

void SectionReader::setting(std::string_view key, Kind const& kind, std::string_view) {
    known_.push_back(key);
    Value const* const value = find(table_, key);
    if (value == nullptr) {
        return;
    }
    report_.origins[path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key)] =
        value->origin;
    if (auto const wrong = kind.read(*value)) {
        report_.add(value->origin, fmt::format("\"{}\"{}: {}", key, in_title(), *wrong));
    }
}

void SectionReader::later(std::string_view key) {
    later_.push_back(key);
    if (Value const* const value = find(table_, key)) {
        report_.add(value->origin, later_text(fmt::format("\"{}\"{}", key, in_title())));
    }
}

void SectionReader::finish() {
    for (Member const& member : table_) {
        bool const is_known = std::ranges::find(known_, member.key) != known_.end() ||
                              std::ranges::find(later_, member.key) != later_.end();
        if (is_known) {
            continue;
        }
        std::string text =
            fmt::format("unknown key \"{}\"{}", printable(member.key, 60), in_title());
        if (auto const near = nearest(member.key, known_)) {
            text += fmt::format("; did you mean \"{}\"?", *near);
        } else {
            text += fmt::format(
                "; there {} {}", known_.size() == 1 ? "is" : "are", fmt::join(known_, ", ")
            );
        }
        report_.add(member.value.origin, std::move(text));
    }
}

Config read_config(Table const& table, Report& report) {
    Config config = default_config();
    engine::EngineConfig shared;
    TopTexts texts;

    SectionReader top(table, "", "", report);
    visit_top(top, config, texts);
    for (std::string_view const name : kSections) {
        top.known(name);
    }
    top.finish();

    read_section(table, "server", report, [&](Visitor& v) { visit_server(v, config); });
    read_section(table, "admin", report, [&](Visitor& v) { visit_admin(v, config.admin); });
    read_section(table, "scheduler", report, [&](Visitor& v) { visit_scheduler(v, shared); });
    read_section(table, "management", report, [&](Visitor& v) {
        visit_management(v, config, shared);
    });
    ChainTexts chain_texts;
    read_section(table, "chains", report, [&](Visitor& v) {
        visit_chains(v, config.chains, chain_texts);
    });
    read_mcp_servers(table, report, config.chains);
    read_section(table, "access", report, [&](Visitor& v) { visit_access(v, config.access); });
    config.access.keys = read_keys(table, report);
    read_section(table, "device", report, [&](Visitor& v) { visit_device(v, config); });
    read_section(table, "log", report, [&](Visitor& v) { visit_log(v, config.log); });
    read_models(table, report, shared);
    read_upstreams(table, report, shared, config);
    return config;
}

}  // namespace plimsoll::config
