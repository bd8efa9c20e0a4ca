#include "config/overrides.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace plimsoll::config {

namespace {

constexpr std::string_view kPrefix = "PLIMSOLL_";

struct Alias {
    std::string_view variable;  // after the prefix
    std::string_view key;
};

// Short names for what is set on a first try; every other setting is PLIMSOLL_<SECTION>_<KEY>.
constexpr std::array kAliases = {
    Alias{"LISTEN", "server.listen"},
    Alias{"MAX_BODY", "server.max_body"},
    Alias{"ALLOWED_HOSTS", "server.allowed_hosts"},
    Alias{"ALLOWED_ORIGINS", "server.allowed_origins"},
    Alias{"UPSTREAM", "upstream.url"},
    Alias{"BUDGET", "upstream.budget"},
    Alias{"RESERVE", "upstream.reserve"},
    Alias{"PARALLEL", "upstream.parallel"},
    Alias{"MAX_LOADED_MODELS", "upstream.max_loaded_models"},
    Alias{"DEFAULT_NUM_CTX", "upstream.default_num_ctx"},
    Alias{"KV_CACHE_TYPE", "upstream.kv_cache_type"},
    Alias{"FLASH_ATTENTION", "upstream.flash_attention"},
    Alias{"QUEUE_LIMIT", "scheduler.queue_limit"},
    Alias{"KEEP_ALIVE", "scheduler.keep_alive"},
    Alias{"ENABLED", "management.enabled"},
    Alias{"STATE_FILE", "state_file"},
    Alias{"RECORD", "record"},
};

constexpr std::array<std::string_view, 8> kSections = {
    "server", "upstream", "scheduler", "management", "chains", "access", "device", "log"
};

// Variables that are no settings: the file's place, the client's address and key, and those of the
// tests.
bool is_for_others(std::string_view name) {
    return name == "CONFIG" || name == "URL" || name == "KEY" || name == "CA_FILE" ||
           name == "FIXTURES" || name.starts_with("TEST_");
}

// nullopt: no such setting.
std::optional<std::string> key_of_variable(std::string_view name) {
    auto const* const alias = std::ranges::find(kAliases, name, &Alias::variable);
    if (alias != kAliases.end()) {
        return std::string(alias->key);
    }
    std::string const lower = to_lower(name);
    std::size_t const end = lower.find('_');
    std::string const section = lower.substr(0, end);
    if (end == std::string::npos || std::ranges::find(kSections, section) == kSections.end()) {
        return std::nullopt;
    }
    return section + '.' + lower.substr(end + 1);
}

void report_unknown(std::string const& key, Origin const& origin, Report& report) {
    std::string text = fmt::format("unknown setting \"{}\"", printable(key, 80));
    std::vector<std::string> names;
    std::vector<std::string_view> views;
    names.reserve(kAliases.size());
    for (Alias const& alias : kAliases) {
        names.push_back(std::string(kPrefix) + std::string(alias.variable));
    }
    views.assign(names.begin(), names.end());
    if (auto const near = nearest(key, views)) {
        text += fmt::format("; did you mean \"{}\"?", *near);
    } else {
        text +=
            "; a variable is named PLIMSOLL_<SECTION>_<KEY>, for example PLIMSOLL_SERVER_LISTEN";
    }
    report.add(origin, std::move(text));
}

// The section's table, made where it is absent; nullptr: something else stands there, which the
// reader reports.
Table* section_of(Table& top, std::string const& name, Origin const& origin, Report& report) {
    Value* value = find(top, name);
    if (value == nullptr) {
        Value fresh{origin, Table{}};
        if (name == "upstream") {
            fresh.data = Value::Array{Value{origin, Table{}}};
        }
        top.push_back({name, std::move(fresh)});
        value = &top.back().value;
    }
    if (name != "upstream") {
        return value->table();
    }
    Value::Array* const items = value->array();
    if (items != nullptr && items->size() > 1) {
        report.add(
            origin,
            fmt::format(
                "the file has {} upstreams, so settings of [[upstream]] can be changed only there",
                items->size()
            )
        );
        return nullptr;
    }
    return items == nullptr || items->empty() ? nullptr : items->front().table();
}

}  // namespace

Overrides environment_overrides(char const* const* environ) {
    Overrides overrides;
    for (; environ != nullptr && *environ != nullptr; ++environ) {
        std::string_view const entry = *environ;
        std::size_t const equals = entry.find('=');
        if (!entry.starts_with(kPrefix) || equals == std::string_view::npos) {
            continue;
        }
        std::string_view const name = entry.substr(kPrefix.size(), equals - kPrefix.size());
        std::string_view const text = entry.substr(equals + 1);
        // Empty is how a container's settings say "not set".
        if (is_for_others(name) || text.empty()) {
            continue;
        }
        // A variable without a setting goes on under its own name and is reported as unknown.
        std::string key = key_of_variable(name).value_or(std::string(entry.substr(0, equals)));
        overrides.emplace_back(std::move(key), std::string(text));
    }
    return overrides;
}

void apply_overrides(Table& top, Overrides const& overrides, Origin::Kind kind, Report& report) {
    Origin const origin{kind, {}, 0};
    for (auto const& [key, text] : overrides) {
        if (key == "state_file" || key == "state.file") {
            set(top, "state_file", Value{origin, text});
            continue;
        }
        if (key == "record") {
            set(top, key, Value{origin, text});
            continue;
        }
        std::size_t const dot = key.find('.');
        std::string const section = key.substr(0, dot);
        bool const has_section =
            dot != std::string::npos && std::ranges::find(kSections, section) != kSections.end();
        if (!has_section) {
            report_unknown(key, origin, report);
            continue;
        }
        if (Table* const table = section_of(top, section, origin, report)) {
            set(*table, key.substr(dot + 1), Value{origin, text});
        }
    }
}

}  // namespace plimsoll::config
