#include "app/application.hpp"
#include "app/process.hpp"
#include "app/run.hpp"
#include "app/takeover/steps.hpp"

#include <plimsoll/base/address.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace plimsoll::app {
namespace {

using namespace takeover;

int failed(Error const& error) {
    std::fprintf(stderr, "plimsoll takeover: %s\n", error.message.c_str());
    return 1;
}

// At the end a request goes through Plimsoll: better found out before anything is moved.
Result<void> check_keys(config::Loaded& loaded, TakeoverOptions const& options) {
    auto const problems =
        config::take_in_secrets(loaded, options.root / "var/lib/plimsoll/keys.toml");
    if (!problems.empty()) {
        return fail(Errc::Invalid, config::to_string(problems.front()));
    }
    char const* const key = std::getenv("PLIMSOLL_KEY");
    bool const has_key = !options.key_file.empty() || (key != nullptr && *key != '\0');
    if (loaded.config.access.is_closed && !has_key) {
        return fail(
            Errc::Forbidden,
            "Plimsoll has keys, and this needs one of an operator, to see that requests go "
            "through: --key-file FILE or $PLIMSOLL_KEY"
        );
    }
    return {};
}

// What the service's configuration says of how Plimsoll listens.
Result<Wishes> read_wishes(TakeoverOptions const& options) {
    Wishes out;
    out.ollama_port = options.ollama_port;
    auto const file = options.root / "etc/plimsoll/plimsoll.toml";
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) {
        return out;
    }
    auto loaded = config::load(file, {}, {});
    if (!loaded) {
        return fail(
            Errc::Invalid,
            config::to_string(loaded.error().front()) + "; `plimsoll config check --config " +
                file.string() + "` names every problem"
        );
    }
    auto const& config = loaded->config;
    // Only root sees whether there are keys, and only root goes on.
    if (!options.dry_run) {
        if (auto const checked = check_keys(*loaded, options); !checked) {
            return fail(checked.error());
        }
    }
    out.wants_keys = config.access.is_closed;
    out.may_be_exposed = !is_loopback(config.server.address);
    out.speaks_tls = config.tls.files.is_set();
    if (net::unix_path(config.admin.address)) {
        out.admin_url = config.admin.address;
    } else if (!config.admin.address.empty()) {
        out.admin_url = url_of({config.admin.address, config.admin.port});
    }
    return out;
}

int take_back(Host& host, std::optional<Record> const& record) {
    if (!record) {
        std::printf("Nothing to undo: there is no record of a takeover (%s)\n", kRecordFile);
        return 0;
    }
    if (auto const done = undo(host, *record); !done) {
        return failed(done.error());
    }
    std::printf("Undone: Ollama listens at %s again\n", to_string(record->ollama_was).c_str());
    return 0;
}

// What was done already is not done twice; what was left half done is not built upon.
int stands_already(Record const& record) {
    if (!record.is_done) {
        return failed(
            {Errc::Conflict,
             std::string("a takeover was begun and did not end (") + kRecordFile +
                 "); go back first: plimsoll takeover --undo"}
        );
    }
    std::printf(
        "Nothing to do: Plimsoll has taken over %s, and Ollama listens at %s; to go back: plimsoll "
        "takeover --undo\n",
        to_string(record.plimsoll_now).c_str(),
        to_string(record.ollama_now).c_str()
    );
    return 0;
}

int take_over(Host& host, TakeoverOptions const& options) {
    auto const wishes = read_wishes(options);
    if (!wishes) {
        return failed(wishes.error());
    }
    auto const plan = make_plan(host, *wishes);
    if (!plan) {
        return failed(plan.error());
    }
    if (options.dry_run) {
        std::fputs(describe(*plan).c_str(), stdout);
        std::printf(
            "\nNothing was done. Ollama restarts with this: running answers end, and its "
            "models leave memory\n"
        );
        return 0;
    }
    for (auto const& notice : plan->notices) {
        std::printf("Note: %s.\n", notice.c_str());
    }
    if (auto const done = perform(host, *plan); !done) {
        return failed(done.error());
    }
    auto const door = to_string(plan->plimsoll_now);
    std::printf(
        "Done: Plimsoll answers at %s, in front of Ollama at %s. To go back: plimsoll takeover "
        "--undo\n",
        door.c_str(),
        to_string(plan->ollama_now).c_str()
    );
    std::printf("For the commands of plimsoll: export PLIMSOLL_URL=http://%s\n", door.c_str());
    return 0;
}

}  // namespace

int run_takeover(TakeoverOptions const& options) {
    bool const changes = !options.dry_run;
    if (changes && options.root == "/" && ::geteuid() != 0) {
        return failed(
            {Errc::Forbidden,
             "this changes services of the system: run it as root (sudo "
             "plimsoll takeover); --dry-run needs no root"}
        );
    }
    if (!has_systemd(options.root)) {
        return failed(
            {Errc::Unsupported,
             "systemd does not run this machine. By hand: start Ollama with "
             "OLLAMA_HOST=127.0.0.1:11433, then `plimsoll serve --listen 127.0.0.1:11434 "
             "--upstream "
             "http://127.0.0.1:11433`"}
        );
    }
    auto const host = this_machine(options.root, options.patience, options.key_file);
    auto const record = load_record(*host);
    if (!record) {
        return failed(record.error());
    }
    if (options.undo) {
        return take_back(*host, *record);
    }
    return *record ? stands_already(**record) : take_over(*host, options);
}

}  // namespace plimsoll::app
