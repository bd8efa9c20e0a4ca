// What lies in files of its own: keys, and credentials of upstreams. And whether the door may be
// open at all.

#include "config/reader.hpp"

#include <plimsoll/base/address.hpp>
#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

namespace plimsoll::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestKeyFile = 1U << 20;
constexpr std::size_t kLongestCredential = 4096;
constexpr std::string_view kCredentials = "$CREDENTIALS_DIRECTORY/";

struct Failure {
    bool is_absent = false;
    std::string text;
};

// A file of which nobody else may be able to do what `forbidden` (mode bits) says.
std::expected<std::string, Failure> read_private(
    fs::path const& file, std::size_t most, mode_t forbidden, std::string_view what
) {
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0) {
        return std::unexpected(
            Failure{errno == ENOENT, "cannot be read: " + std::system_category().message(errno)}
        );
    }
    if (!S_ISREG(status.st_mode)) {
        return std::unexpected(Failure{false, "is no file"});
    }
    if ((status.st_mode & forbidden) != 0) {
        return std::unexpected(Failure{
            false, fmt::format("{} by others than its owner; chmod 600 {}", what, file.string())
        });
    }
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return std::unexpected(
            Failure{false, "cannot be read: " + std::system_category().message(errno)}
        );
    }
    std::string text(most + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > most) {
        return std::unexpected(Failure{false, fmt::format("is larger than {} bytes", most)});
    }
    return text;
}

// systemd says in a variable where a unit's credentials lie.
fs::path place_of(std::string const& path) {
    char const* const folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (path.starts_with(kCredentials) && folder != nullptr) {
        return fs::path(folder) / path.substr(kCredentials.size());
    }
    return path;
}

std::expected<std::string, std::string> read_credential(std::string const& file) {
    if (file.starts_with(kCredentials) && std::getenv("CREDENTIALS_DIRECTORY") == nullptr) {
        return std::unexpected(
            "is a credential that systemd gives to the unit alone (LoadCredential=), and there is "
            "no "
            "$CREDENTIALS_DIRECTORY here"
        );
    }
    auto const text = read_private(
        place_of(file), kLongestCredential, S_IROTH | S_IWOTH | S_IWGRP, "can be read or changed"
    );
    if (!text) {
        return std::unexpected(text.error().text);
    }
    std::string key(trim(*text));
    bool const is_right =
        !key.empty() && std::ranges::all_of(key, [](char c) { return c > ' ' && c < 0x7F; });
    if (!is_right) {
        return std::unexpected("holds no key: one line of visible ASCII characters is wanted");
    }
    return key;
}

Problem problem(Loaded const& loaded, std::string const& path, std::string text) {
    auto const found = loaded.origins.find(path);
    // "FILE:12", as a problem of that line is written.
    return {
        .file = found == loaded.origins.end() ? std::string("default") : found->second,
        .line = 0,
        .text = std::move(text)
    };
}

void check_listener(
    Loaded const& loaded,
    std::string const& setting,
    std::string_view title,
    std::string_view address,
    std::vector<Problem>& problems
) {
    if (auto const wrong = why_not_to_listen(loaded.config, address)) {
        problems.push_back(
            problem(loaded, setting, fmt::format("\"listen\" in [{}] is {}", title, *wrong))
        );
    }
}

void take_in_keys(Loaded& loaded, fs::path const& default_file, std::vector<Problem>& problems) {
    auto& settings = loaded.config.access;
    bool const is_named = !settings.key_file.empty();
    auto const file = is_named ? place_of(settings.key_file) : default_file;
    auto read = read_key_file(file);
    if (!read) {
        std::ranges::move(read.error(), std::back_inserter(problems));
        return;
    }
    std::error_code ignored;
    // A file without a key, or one that is named and not there, lets nobody in rather than all.
    settings.is_closed = is_named || !settings.keys.empty() || fs::exists(file, ignored);
    settings.file_keys = std::move(*read);
    auto all = settings.keys;
    all.insert(all.end(), settings.file_keys.begin(), settings.file_keys.end());
    Report report;
    check_keys(all, report);
    for (auto& found : report.problems) {
        found.file = file.string();
        problems.push_back(std::move(found));
    }
}

// Prints key = value lines of what is not the default.
class Writer final : public Visitor {
  public:
    void setting(std::string_view key, Kind const& kind, std::string_view) override {
        if (auto const text = kind.write()) {
            values.emplace_back(key, *text);
        }
    }

    void later(std::string_view) override {}

    std::vector<std::pair<std::string, std::string>> values;
};

}  // namespace

void check_keys(std::vector<access::Key> const& keys, Report& report) {
    std::set<std::string_view> names;
    std::set<std::string_view> hashes;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        auto const found = report.origins.find(fmt::format("key.{}", i));
        auto const origin = found == report.origins.end() ? Origin{} : found->second;
        auto const& key = keys[i];
        if (key.name.empty() || key.hash.empty()) {
            // A value that is there and wrong has been named already.
            auto const path = fmt::format("key.{}.", i);
            bool const is_absent = (key.name.empty() && !report.origins.contains(path + "name")) ||
                                   (key.hash.empty() && !report.origins.contains(path + "hash"));
            if (is_absent) {
                report.add(
                    origin, "[[key]] wants \"name\" and \"hash\"; `plimsoll key create` writes both"
                );
            }
            continue;
        }
        if (!names.insert(key.name).second) {
            report.add(
                origin, fmt::format("two keys have the name \"{}\"; give each its own", key.name)
            );
        }
        if (!hashes.insert(key.hash).second) {
            report.add(
                origin, fmt::format("the key \"{}\" is the same secret as another one", key.name)
            );
        }
        if (key.role == access::Role::Admin && !key.models.empty()) {
            report.add(
                origin,
                fmt::format(
                    "the key \"{}\" has the role admin, which reaches every model; take \"models\" "
                    "away, or give it another role",
                    key.name
                )
            );
        }
    }
}

std::expected<std::vector<access::Key>, std::vector<Problem>> read_key_file(fs::path const& file) {
    auto const text = read_private(file, kLargestKeyFile, S_IWGRP | S_IWOTH, "can be changed");
    if (!text) {
        if (text.error().is_absent) {
            return std::vector<access::Key>();
        }
        return std::unexpected(std::vector{Problem{file.string(), 0, text.error().text}});
    }
    auto const table = parse_toml(*text, file.string());
    if (!table) {
        return std::unexpected(std::vector{table.error()});
    }
    Report report;
    SectionReader top(*table, "", "", report);
    top.known("key");
    top.finish();
    auto keys = read_keys(*table, report);
    if (!report.problems.empty()) {
        return std::unexpected(std::move(report.problems));
    }
    return keys;
}

std::string to_toml(std::vector<access::Key> const& keys) {
    std::string out;
    for (auto key : keys) {
        Writer written;
        visit_key(written, key);
        Writer defaults;
        access::Key plain;
        visit_key(defaults, plain);
        out += out.empty() ? "[[key]]\n" : "\n[[key]]\n";
        for (auto const& value : written.values) {
            bool const is_default =
                std::ranges::find(defaults.values, value) != defaults.values.end();
            if (!is_default || value.first == "role") {
                out += fmt::format("{} = {}\n", value.first, value.second);
            }
        }
    }
    return out;
}

std::optional<std::string> why_not_to_listen(Config const& config, std::string_view address) {
    bool const has_keys = policy_of(config.access).is_closed;
    bool const has_tls = !config.tls.files.certificate.empty();
    if (address.empty() || is_loopback(address) || (has_keys && has_tls) ||
        config.access.allows_open_listen) {
        return std::nullopt;
    }
    return fmt::format(
        "{}, which other machines can reach, but there {}: {}. {}; or listen on 127.0.0.1; or, "
        "where the "
        "network itself keeps strangers out, write allow_open_listen = true in [server]",
        address,
        has_keys  ? "is no TLS"
        : has_tls ? "are no keys"
                  : "are no keys and there is no TLS",
        has_keys ? "anybody on the way could read keys and prompts"
                 : "anybody who gets there could do everything",
        has_keys  ? "Set tls_certificate and tls_key in [server]"
        : has_tls ? "Make a key with `plimsoll key create`"
                  : "Make a key with `plimsoll key create`, and set tls_certificate and tls_key in "
                    "[server]"
    );
}

access::Policy policy_of(AccessSettings const& settings) {
    access::Policy policy{
        .keys = settings.keys,
        .is_closed = settings.is_closed || !settings.keys.empty() || !settings.file_keys.empty(),
        .trusts_sockets = settings.trusts_admin_socket
    };
    policy.keys.insert(policy.keys.end(), settings.file_keys.begin(), settings.file_keys.end());
    return policy;
}

std::vector<Problem> take_in_secrets(Loaded& loaded, fs::path const& default_key_file) {
    std::vector<Problem> problems;
    take_in_keys(loaded, default_key_file, problems);
    for (std::size_t i = 0; i < loaded.config.upstreams.size(); ++i) {
        auto& settings = loaded.config.upstreams[i];
        if (settings.api_key_file.empty()) {
            continue;
        }
        auto key = read_credential(settings.api_key_file);
        if (key) {
            settings.upstream.api_key = std::move(*key);
            continue;
        }
        problems.push_back(problem(
            loaded,
            fmt::format("upstream.{}.api_key_file", i),
            fmt::format(
                "\"api_key_file\" in [[upstream]]: {} {}", settings.api_key_file, key.error()
            )
        ));
    }
    auto const& config = loaded.config;
    check_listener(loaded, "server.listen", "server", config.server.address, problems);
    check_listener(loaded, "admin.listen", "admin", config.admin.address, problems);
    return problems;
}

}  // namespace plimsoll::config
