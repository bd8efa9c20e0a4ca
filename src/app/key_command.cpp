// `plimsoll key`: makes, lists and revokes keys, and says what each role may do.

#include "app/application.hpp"
#include "app/key_file.hpp"
#include "app/run.hpp"
#include "app/table.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace plimsoll::app {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

using Action = KeyOptions::Action;

constexpr std::size_t kShortestSecret = 24;
constexpr char const* kReload =
    "A running Plimsoll takes that up when it reads its configuration again:\n"
    "  systemctl reload plimsoll    (or: kill -HUP its process)\n";

int complain_of(std::string const& what) {
    std::fprintf(stderr, "plimsoll key: %s\n", what.c_str());
    return 1;
}

std::string_view name_of(core::Priority priority) {
    switch (priority) {
        case core::Priority::Low:
            return "low";
        case core::Priority::Normal:
            return "normal";
        case core::Priority::High:
            break;
    }
    return "high";
}

json::object to_json(access::Key const& key) {
    json::array models;
    for (auto const& model : key.models) {
        models.emplace_back(model);
    }
    return {
        {"name", key.name},
        {"role", to_string(key.role)},
        {"models", std::move(models)},
        {"priority", key.priority ? json::value(name_of(*key.priority)) : json::value()},
        {"requests_per_minute", key.requests_per_minute},
        {"max_concurrent", key.max_concurrent},
        {"hash", key.hash}
    };
}

std::string count_text(std::uint32_t count) {
    return count == 0 ? "-" : std::to_string(count);
}

int create(KeyOptions const& options, fs::path const& file) {
    auto const secret = access::make_secret();
    if (!secret) {
        return complain_of(secret.error().message);
    }
    auto key = options.key;
    key.hash = access::to_hex(access::digest_of(*secret));
    bool is_first = false;
    auto const done = change_key_file(file, [&](std::vector<access::Key>& keys) -> Result<void> {
        if (std::ranges::find(keys, key.name, &access::Key::name) != keys.end()) {
            return fail(
                Errc::Conflict,
                fmt::format(
                    "there is a key \"{}\" in {} already; revoke it first, or take another name",
                    key.name,
                    file.string()
                )
            );
        }
        is_first = keys.empty();
        keys.push_back(key);
        return {};
    });
    if (!done) {
        return complain_of(done.error().message);
    }
    if (options.json) {
        auto out = to_json(key);
        out["key"] = *secret;
        out["file"] = file.string();
        std::printf("%s\n", json::serialize(out).c_str());
        return 0;
    }
    std::fprintf(
        stderr,
        "The key \"%s\" (%s) is shown this once; %s keeps only its hash.\n",
        key.name.c_str(),
        std::string(to_string(key.role)).c_str(),
        file.c_str()
    );
    std::printf("%s\n", secret->c_str());
    std::fflush(stdout);
    std::fputs(kReload, stderr);
    if (is_first) {
        std::fputs("It is the first: from then on requests without a key are refused.\n", stderr);
    }
    return 0;
}

int revoke(KeyOptions const& options, fs::path const& file) {
    bool is_last = false;
    auto const done = change_key_file(file, [&](std::vector<access::Key>& keys) -> Result<void> {
        auto const gone = std::erase_if(keys, [&](access::Key const& key) {
            return key.name == options.key.name;
        });
        if (gone == 0) {
            return fail(
                Errc::NotFound,
                fmt::format(
                    "there is no key \"{}\" in {}; `plimsoll key list` names them",
                    printable(options.key.name, 80),
                    file.string()
                )
            );
        }
        is_last = keys.empty();
        return {};
    });
    if (!done) {
        return complain_of(done.error().message);
    }
    std::printf(
        "The key \"%s\" is revoked. Answers that run now still finish.\n%s",
        options.key.name.c_str(),
        kReload
    );
    if (is_last) {
        std::printf(
            "It was the last in %s: nobody is let in until there is another one. To want no keys "
            "at all, delete the file.\n",
            file.c_str()
        );
    }
    return 0;
}

int list(KeyOptions const& options, config::Config const& config, fs::path const& file) {
    auto const stored = config::read_key_file(file);
    if (!stored) {
        return complain_of(to_string(stored.error().front()));
    }
    json::array rows;
    Table table(
        {{"NAME"},
         {"ROLE"},
         {"MODELS"},
         {"PRIORITY"},
         {"PER MINUTE", Align::Right},
         {"AT A TIME", Align::Right},
         {"FROM"}}
    );
    auto const add = [&](access::Key const& key, std::string const& from) {
        auto row = to_json(key);
        row["from"] = from;
        rows.push_back(std::move(row));
        table.add(
            {{key.name},
             {std::string(to_string(key.role))},
             {key.models.empty() ? "all" : fmt::format("{}", fmt::join(key.models, " "))},
             {key.priority ? std::string(name_of(*key.priority)) : "-"},
             {count_text(key.requests_per_minute)},
             {count_text(key.max_concurrent)},
             {from}}
        );
    };
    for (auto const& key : config.access.keys) {
        add(key, "configuration");
    }
    for (auto const& key : *stored) {
        add(key, file.string());
    }
    if (options.json) {
        std::printf("%s\n", json::serialize(json::object{{"keys", std::move(rows)}}).c_str());
    } else if (table.is_empty()) {
        std::printf(
            "No keys: everybody who reaches Plimsoll may do everything. `plimsoll key create NAME "
            "--role admin` makes one.\n"
        );
    } else {
        std::fputs(table.render(terminal_of(1)).c_str(), stdout);
    }
    return 0;
}

// For people who keep their keys in a configuration of their own.
int hash(KeyOptions const& options) {
    std::string secret;
    std::getline(std::cin, secret);
    auto const text = trim(secret);
    if (text.size() < kShortestSecret) {
        return complain_of(fmt::format(
            "a key wants at least {} characters on standard input, better those of `openssl rand "
            "-base64 32`",
            kShortestSecret
        ));
    }
    auto key = options.key;
    key.hash = access::to_hex(access::digest_of(text));
    std::fputs(config::to_toml({key}).c_str(), stdout);
    return 0;
}

int rights(KeyOptions const& options) {
    json::array rows;
    Table table({{"METHOD"}, {"PATH"}, {"ROLE"}, {"KEYS FOR SOME MODELS"}});
    auto const add = [&](http::Method method, std::string_view path, access::Need need) {
        bool const is_open = need.right == access::Right::Open;
        bool const takes_limited = is_open || need.is_for_limited_keys;
        rows.push_back(json::object{
            {"method", http::to_string(method)},
            {"path", path},
            {"role", to_string(need.right)},
            {"limited_keys", takes_limited}
        });
        table.add(
            {{std::string(http::to_string(method))},
             {std::string(path)},
             {is_open ? "none" : std::string(to_string(need.right))},
             {takes_limited ? "yes" : "no"}}
        );
    };
    for (auto const& known : proxy::known_needs()) {
        add(known.method, known.path, known.need);
    }
    for (auto const& endpoint : control::Control::endpoints()) {
        add(endpoint.method, endpoint.path, endpoint.need);
    }
    if (options.json) {
        std::printf("%s\n", json::serialize(json::object{{"routes", std::move(rows)}}).c_str());
        return 0;
    }
    std::printf(
        "%sEvery other path or method needs the role admin.\n", table.render(terminal_of(1)).c_str()
    );
    return 0;
}

}  // namespace

int run_key(KeyOptions const& options) {
    if (options.action == Action::Hash) {
        return hash(options);
    }
    if (options.action == Action::Rights) {
        return rights(options);
    }
    auto const loaded = load_settings(options.config, {});
    if (!loaded) {
        for (auto const& problem : loaded.error()) {
            std::fprintf(stderr, "%s\n", to_string(problem).c_str());
        }
        return 2;
    }
    auto const& config = loaded->config;
    fs::path const file = options.file ? *options.file : key_file_of(config);
    if (file.empty()) {
        return complain_of(
            "no place for keys: set HOME, name a file with --file, or set "
            "access.key_file in the configuration"
        );
    }
    switch (options.action) {
        case Action::Create:
            return create(options, file);
        case Action::Revoke:
            return revoke(options, file);
        default:
            return list(options, config, file);
    }
}

}  // namespace plimsoll::app
