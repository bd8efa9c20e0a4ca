#include "app/takeover/plan.hpp"

#include "app/doctor/client_host.hpp"
#include "app/doctor/sockets.hpp"
#include "app/process.hpp"

#include <plimsoll/base/address.hpp>
#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::app::takeover {
namespace {

constexpr std::uint16_t kFirstPort = 11433, kLastPort = 11424;  // below Ollama's own, downwards
constexpr char const* kOllamaDropIn = "/etc/systemd/system/ollama.service.d/plimsoll.conf";
constexpr char const* kServiceDropIn = "/etc/systemd/system/plimsoll.service.d/takeover.conf";
constexpr char const* kSocketDropIn = "/etc/systemd/system/plimsoll.socket.d/takeover.conf";
constexpr char const* kHeader =
    "# Written by `plimsoll takeover`; `plimsoll takeover --undo` takes it back.\n";

std::string by_hand(Address const& was) {
    return fmt::format(
        "By hand: start Ollama with OLLAMA_HOST=127.0.0.1:{}, then `plimsoll serve --listen {} "
        "--upstream http://127.0.0.1:{}`",
        kFirstPort,
        to_string(was),
        kFirstPort
    );
}

// The clients that are to find Plimsoll where they look for Ollama speak HTTP.
Result<void> check_plain(Wishes const& wishes, Address const& was) {
    if (!wishes.speaks_tls) {
        return {};
    }
    return fail(
        Errc::Invalid,
        fmt::format(
            "server.tls_certificate is set: Plimsoll would answer with TLS only at {}, where "
            "clients of Ollama speak HTTP. Take it out of /etc/plimsoll/plimsoll.toml, or leave "
            "Ollama where it is and tell clients the address of Plimsoll",
            to_string(was)
        )
    );
}

// After a boot nothing would answer where Plimsoll took over.
void tell_if_disabled(Unit const& unit, bool has_socket, std::vector<std::string>& notices) {
    if (unit.file_state == "disabled" && !has_socket) {
        notices.push_back(fmt::format(
            "{0} is disabled: after the next boot nothing would answer where Ollama was; "
            "systemctl enable {0}",
            unit.name
        ));
    }
}

Result<Unit> need_unit(Host& host, std::string const& name, std::string const& how) {
    auto unit = host.show(name);
    if (!unit) {
        return unit;
    }
    if (!unit->exists()) {
        return fail(
            Errc::NotFound,
            fmt::format(
                "systemd has no unit {} (it is {}). {}",
                name,
                unit->load_state.empty() ? "not found" : unit->load_state,
                how
            )
        );
    }
    return unit;
}

// A drop-in whose name comes after ours is read after it, and its OLLAMA_HOST would win.
Result<void> check_later_drop_ins(Host& host, Unit const& unit) {
    std::string const own = std::filesystem::path(kOllamaDropIn).filename();
    for (auto const& path : unit.drop_ins) {
        std::filesystem::path const file(path);
        if (file.filename().string() <= own) {
            continue;
        }
        auto const text = host.read(file);
        if (text && *text && (*text)->contains("OLLAMA_HOST")) {
            return fail(
                Errc::Invalid,
                fmt::format(
                    "{} sets OLLAMA_HOST and is read after {}; rename it so that it sorts before "
                    "\"{}\", or take the line out",
                    path,
                    kOllamaDropIn,
                    own
                )
            );
        }
    }
    return {};
}

Result<std::uint16_t> choose_port(Host& host, Wishes const& wishes, Address const& was) {
    std::vector<std::uint16_t> candidates;
    if (wishes.ollama_port != 0) {
        candidates.push_back(wishes.ollama_port);
    } else {
        for (auto port = kFirstPort; port >= kLastPort; --port) {
            candidates.push_back(port);
        }
    }
    std::erase(candidates, was.port);
    return host.free_port(candidates);
}

// Where Plimsoll will listen: where clients look for Ollama, but only as far as it may be exposed.
Address door_of(Address const& was, Wishes const& wishes, std::vector<std::string>& notices) {
    if (is_loopback(was.host)) {
        return was;
    }
    if (wishes.may_be_exposed) {
        notices.push_back(
            "Ollama is reached by other machines at " + to_string(was) +
            " now; Plimsoll will be, and Ollama no longer"
        );
        return was;
    }
    Address out{"127.0.0.1", was.port};
    notices.push_back(fmt::format(
        "Ollama is reached by other machines at {} now; afterwards neither will be: Plimsoll "
        "listens on {} only, since Ollama has no keys and Plimsoll lets no strangers in without "
        "(docs/security.md)",
        to_string(was),
        to_string(out)
    ));
    return out;
}

// In the order of their start: a socket refuses to while its service runs. `socket` may be null.
void add_units(Plan& plan, Unit const& service, Unit const* socket) {
    tell_if_disabled(service, socket != nullptr, plan.notices);
    if (socket != nullptr) {
        plan.plimsoll_units.emplace_back(kPlimsollSocket);
        if (socket->active_state == "active") {
            plan.active_before.emplace_back(kPlimsollSocket);
        }
    }
    plan.plimsoll_units.emplace_back(kPlimsollUnit);
    if (service.active_state == "active") {
        plan.active_before.emplace_back(kPlimsollUnit);
    }
}

void add_files(Plan& plan, bool has_socket) {
    plan.files.push_back(
        {kOllamaDropIn,
         fmt::format(
             "{}[Service]\nEnvironment=\"OLLAMA_HOST={}\"\n", kHeader, to_string(plan.ollama_now)
         )}
    );
    plan.files.push_back(
        {kServiceDropIn,
         fmt::format(
             "{}[Service]\nEnvironment=\"PLIMSOLL_LISTEN={}\"\n"
             "Environment=\"PLIMSOLL_UPSTREAM=http://{}\"\n",
             kHeader,
             to_string(plan.plimsoll_now),
             to_string(plan.ollama_now)
         )}
    );
    if (has_socket) {
        plan.files.push_back(
            {kSocketDropIn,
             fmt::format(
                 "{}[Socket]\nListenStream=\nListenStream={}\n",
                 kHeader,
                 to_string(plan.plimsoll_now)
             )}
        );
    }
}

}  // namespace

std::string to_string(Address const& address) {
    return authority_of(address.host, address.port);
}

std::string url_of(Address const& address) {
    auto const host =
        doctor::is_any_address(address.host) ? std::string("127.0.0.1") : address.host;
    return "http://" + authority_of(host, address.port);
}

Result<Address> ollama_address(Host& host, Unit const& unit) {
    for (auto file : unit.environment_files) {
        if (file.starts_with('-')) {
            file.erase(0, 1);
        }
        auto const text = host.read(file);
        for (auto const line : split(text && *text ? std::string_view(**text) : "", '\n')) {
            if (trim(line).starts_with("OLLAMA_HOST=")) {
                return fail(
                    Errc::Invalid,
                    fmt::format(
                        "{} sets OLLAMA_HOST for {}, and an environment file counts more than any "
                        "drop-in; move the line to a drop-in (`systemctl edit ollama`)",
                        file,
                        unit.name
                    )
                );
            }
        }
    }
    auto const client = doctor::parse_client_host(unit.variable("OLLAMA_HOST").value_or(""));
    return Address{client.host, client.port};
}

Result<Plan> make_plan(Host& host, Wishes const& wishes) {
    auto const ollama = need_unit(host, kOllamaUnit, by_hand({"127.0.0.1", 11434}));
    if (!ollama) {
        return fail(ollama.error());
    }
    auto const was = ollama_address(host, *ollama);
    if (!was) {
        return fail(was.error());
    }
    auto const plimsoll = need_unit(
        host,
        kPlimsollUnit,
        "Install its package, or copy systemd/plimsoll.service. " + by_hand(*was)
    );
    if (!plimsoll) {
        return fail(plimsoll.error());
    }
    if (ollama->active_state != "active") {
        return fail(
            Errc::Invalid,
            fmt::format(
                "{} is {}: nothing could be verified; start it first: systemctl start {}",
                kOllamaUnit,
                ollama->active_state,
                kOllamaUnit
            )
        );
    }
    if (auto const checked = check_plain(wishes, *was); !checked) {
        return fail(checked.error());
    }
    if (auto const checked = check_later_drop_ins(host, *ollama); !checked) {
        return fail(checked.error());
    }
    auto const port = choose_port(host, wishes, *was);
    if (!port) {
        return fail(port.error());
    }
    Plan plan;
    plan.ollama_was = *was;
    plan.ollama_now = {"127.0.0.1", *port};
    plan.plimsoll_now = door_of(*was, wishes, plan.notices);
    plan.control_url = wishes.admin_url.empty() ? url_of(plan.plimsoll_now) : wishes.admin_url;
    if (wishes.wants_keys) {
        plan.notices.emplace_back(
            "Plimsoll has keys: clients that send none are refused from then on where Ollama let "
            "them in"
        );
    }
    auto const socket = host.show(kPlimsollSocket);
    bool const has_socket = socket && socket->exists() &&
                            (socket->active_state == "active" || socket->file_state == "enabled");
    add_units(plan, *plimsoll, has_socket ? &*socket : nullptr);
    add_files(plan, has_socket);
    return plan;
}

std::string describe(Plan const& plan) {
    std::string out;
    for (auto const& notice : plan.notices) {
        out += "Note: " + notice + ".\n";
    }
    for (auto const& file : plan.files) {
        out += "\nwrite " + file.path.string() + "\n";
        for (auto const line : split(file.text, '\n')) {
            out += line.empty() ? "" : fmt::format("    {}\n", line);
        }
    }
    std::string units;
    for (auto const& unit : plan.plimsoll_units) {
        units += " " + unit;
    }
    out += fmt::format(
        "\nrun   systemctl daemon-reload\nrun   systemctl stop{0}\nrun   systemctl restart {1}\n"
        "wait  until Ollama answers at {2}\nrun   systemctl start{0}\n"
        "wait  until Plimsoll is ready at {3}, and a request goes through it to Ollama\n",
        units,
        kOllamaUnit,
        to_string(plan.ollama_now),
        to_string(plan.plimsoll_now)
    );
    return out;
}

}  // namespace plimsoll::app::takeover
