#include "app/doctor/checks.hpp"
#include "app/process.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

namespace plimsoll::app::doctor {
namespace {

constexpr Bytes kLeastFree = mebibytes(256);
constexpr Bytes kLowFree = gibibytes(1);
constexpr double kClockSlack = 60;                  // seconds
constexpr std::uint64_t kEarliest = 1'767'225'600;  // 2026-01-01: this program is younger
constexpr std::uint64_t kFilesBeside = 64;          // state, log, tool servers, ...
constexpr unsigned kOthersRead = 0004;
constexpr int kSoonDays = 14;  // as the daemon warns

bool can_be_read_by_service(FileFacts const& file, Unit const& unit) {
    bool const is_service = unit.has_dynamic_user || (!unit.user.empty() && unit.user != "root");
    return !is_service || (file.mode & kOthersRead) != 0 || file.owner == unit.user;
}

bool has_secrets(config::Config const& config) {
    for (auto const& server : config.chains.mcp_servers) {
        if (!server.headers.empty() || !server.env.empty()) {
            return true;
        }
    }
    return false;
}

void check_unit(Unit const& unit, std::string_view what, Findings& out) {
    if (!unit.exists()) {
        return;
    }
    auto const text = fmt::format(
        "{}: {} ({}), {}{}",
        unit.name,
        unit.active_state,
        unit.sub_state,
        unit.file_state.empty() ? "not to be enabled" : unit.file_state,
        unit.restarts == 0 ? "" : fmt::format(", restarted {} times", unit.restarts)
    );
    if (unit.active_state == "failed") {
        out.push_back(
            problem("service", text, fmt::format("see why: `journalctl -u {} -e`", unit.name))
        );
    } else if (unit.active_state == "active" && unit.file_state == "disabled") {
        out.push_back(warning(
            "service",
            fmt::format("{}: {} does not start by itself after a reboot", text, what),
            "systemctl enable " + unit.name
        ));
    } else {
        out.push_back(ok("service", text));
    }
}

}  // namespace

namespace {

// A daemon that runs may do so as another user, to whom it belongs.
Findings wrong_with_state(StateFacts const& state, bool is_daemon_there) {
    auto const& path = state.file.path;
    Findings out;
    if (!state.folder.is_writable) {
        out.push_back({
            is_daemon_there ? Level::Warning : Level::Problem,
            "state file",
            fmt::format(
                "{} cannot be written by this user (owner {}, mode {:03o}): a Plimsoll of this "
                "user loses the measured sizes when it ends",
                state.folder.path.string(),
                state.folder.owner,
                state.folder.mode
            ),
            "give the folder to the user that runs Plimsoll, or set state_file to another place",
        });
    }
    if (state.file.exists && !state.integrity.empty() && state.integrity != "ok") {
        out.push_back(problem(
            "state file",
            fmt::format("{} is damaged: {}", path.string(), printable(state.integrity, 300)),
            "restart Plimsoll: it sets the file aside and begins a new one; sizes are measured "
            "again"
        ));
    }
    if (state.age && *state.age < -kClockSlack) {
        out.push_back(warning(
            "state file",
            fmt::format(
                "{} was written {} in the future: the clock was set back since",
                path.string(),
                format_duration(from_seconds(-*state.age))
            ),
            "set the clock right; times in lists of runs are wrong until then"
        ));
    }
    for (auto const& aside : state.set_aside) {
        out.push_back(warning(
            "state file",
            aside + ": a damaged file that was set aside",
            "delete it when you need nothing of it"
        ));
    }
    return out;
}

}  // namespace

Findings check_state_file(Facts const& facts) {
    auto const& state = facts.state;
    auto const& path = state.file.path;
    if (path.empty()) {
        return {warning(
            "state file",
            "there is no place for it: neither /var/lib/plimsoll nor a home folder",
            "set state_file to a path that Plimsoll may write"
        )};
    }
    if (state.is_hidden) {
        return {
            ok("state file",
               path.string() + ": the service keeps it from this user; as root "
                               "the doctor looks into it")
        };
    }
    auto out = wrong_with_state(state, facts.daemon.runs);
    if (!out.empty()) {
        return out;
    }
    if (!state.file.exists) {
        return {ok("state file", path.string() + " is not there yet, and can be made")};
    }
    return {
        ok("state file",
           fmt::format(
               "{}: {}, {}",
               path.string(),
               format_bytes(state.file.size),
               state.integrity == "ok" ? "whole" : "not checked: it may not be read"
           ))
    };
}

Findings check_disk(Facts const& facts) {
    auto const& state = facts.state;
    if (!state.free) {
        return {};
    }
    auto const text = fmt::format(
        "{} free where the state file lies ({})",
        format_bytes(*state.free),
        state.folder.path.string()
    );
    if (*state.free < kLeastFree) {
        return {problem("disk", text, "free some: neither sizes nor runs of chains can be kept")};
    }
    if (*state.free < kLowFree) {
        return {warning("disk", text, "free some before it is full")};
    }
    return {ok("disk", text)};
}

Findings check_files(Facts const& facts) {
    Findings out;
    auto const& unit = facts.host.plimsoll_unit;
    for (auto const& file : facts.config_files) {
        auto const what =
            fmt::format("{} (owner {}, mode {:03o})", file.path.string(), file.owner, file.mode);
        if (!file.is_readable) {
            out.push_back(warning(
                "permissions", what + " cannot be read by this user", "run the doctor as its owner"
            ));
        } else if (unit && unit->exists() && !can_be_read_by_service(file, *unit)) {
            out.push_back(problem(
                "permissions",
                fmt::format("{} cannot be read by the service's user", what),
                "chmod 644 " + file.path.string()
            ));
        } else if (has_secrets(facts.config.config) && (file.mode & kOthersRead) != 0) {
            out.push_back(warning(
                "permissions",
                what + " holds credentials of tool servers, and every user may read it",
                "chmod 640 and give it to the group of the service"
            ));
        } else {
            out.push_back(ok("permissions", what));
        }
    }
    for (auto const& file : facts.key_files) {
        auto const what =
            fmt::format("{} (owner {}, mode {:03o})", file.path.string(), file.owner, file.mode);
        if (file.exists && (file.mode & kOthersRead) != 0) {
            out.push_back(problem(
                "permissions",
                what + ": it holds a secret, and every user may read it",
                "chmod o-rwx " + file.path.string()
            ));
        } else if (file.exists) {
            out.push_back(ok("permissions", what));
        }
    }
    return out;
}

Findings check_file_limit(Facts const& facts) {
    auto const& host = facts.host;
    if (host.max_files == 0) {
        return {};
    }
    // Each client's connection has one to the upstream.
    auto const wanted = 2 * facts.config.config.server.max_connections + kFilesBeside;
    auto const text = fmt::format(
        "{} files may be open at a time{}, {} connections need {}",
        host.max_files,
        host.max_files_of_daemon ? "" : " (of this shell; the daemon's limit cannot be read)",
        facts.config.config.server.max_connections,
        wanted
    );
    if (host.max_files < wanted) {
        return {warning(
            "file limit",
            text,
            fmt::format(
                "raise it (LimitNOFILE={} in the unit, `ulimit -n`), or set "
                "server.max_connections = {}",
                wanted,
                host.max_files > kFilesBeside ? (host.max_files - kFilesBeside) / 2 : 1
            )
        )};
    }
    return {ok("file limit", text)};
}

// A key that this user may not read says nothing about the service.
Findings check_certificate(Facts const& facts) {
    auto const& certificate = facts.certificate;
    if (!certificate.is_configured) {
        return {};
    }
    bool const is_unseen = std::ranges::any_of(facts.key_files, [&](FileFacts const& file) {
        return file.path == facts.config.config.tls.files.key && file.exists && !file.is_readable;
    });
    if (is_unseen) {
        return {ok("certificate", "its key may not be read by this user: not checked")};
    }
    if (!certificate.problem.empty()) {
        return {problem(
            "certificate",
            certificate.problem,
            "write both files anew (docs/tls.md); Plimsoll takes them within a minute"
        )};
    }
    auto const& is = certificate.facts;
    auto const text = fmt::format("for {}, until {}", printable(is.names, 200), is.expires);
    if (is.days_left < 0) {
        return {problem("certificate", text + ": clients refuse it", "renew it")};
    }
    if (is.days_left < kSoonDays) {
        return {warning(
            "certificate", fmt::format("{}: {} days are left", text, is.days_left), "renew it"
        )};
    }
    return {ok("certificate", text)};
}

Findings check_clock(Facts const& facts) {
    auto const& host = facts.host;
    if (host.wall_seconds < kEarliest) {
        return {problem(
            "clock",
            fmt::format("the clock stands before 2026 ({} s since 1970)", host.wall_seconds),
            "set it: `timedatectl set-ntp true`; expiry times that clients see are wrong until then"
        )};
    }
    if (host.is_synchronised && !*host.is_synchronised) {
        return {warning(
            "clock",
            "the kernel says that the clock is not synchronised, so it may step",
            "`timedatectl set-ntp true`; waits and timers of Plimsoll do not depend on it, times "
            "in logs do"
        )};
    }
    return {ok(
        "clock", host.is_synchronised ? "synchronised" : "plausible; the kernel does not tell more"
    )};
}

Findings check_units(Facts const& facts) {
    auto const& host = facts.host;
    if (!host.has_systemd) {
        return {ok("service", "systemd does not run this host")};
    }
    Findings out;
    if (host.plimsoll_unit) {
        check_unit(*host.plimsoll_unit, "Plimsoll", out);
    }
    if (host.ollama_unit) {
        check_unit(*host.ollama_unit, "Ollama", out);
    }
    if (out.empty()) {
        out.push_back(ok("service", "systemd has neither a unit plimsoll nor ollama"));
    }
    return out;
}

}  // namespace plimsoll::app::doctor
