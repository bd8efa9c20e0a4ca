#include "app/takeover/steps.hpp"

#include <algorithm>
#include <iterator>

namespace plimsoll::app::takeover {
namespace {

Record begin_record(Plan const& plan) {
    Record out;
    out.ollama_was = plan.ollama_was;
    out.ollama_now = plan.ollama_now;
    out.plimsoll_now = plan.plimsoll_now;
    out.plimsoll_units = plan.plimsoll_units;
    out.active_before = plan.active_before;
    return out;
}

Result<void> run(Host& host, std::vector<std::string> words) {
    std::string line = "systemctl";
    for (auto const& word : words) {
        line += " " + word;
    }
    host.say(line);
    auto done = host.systemctl(words);
    return done ? std::move(done) : Result<void>(fail(std::move(done).error().context(line)));
}

std::vector<std::string> with(std::string verb, std::vector<std::string> const& units) {
    std::vector<std::string> out = {std::move(verb)};
    std::ranges::copy(units, std::back_inserter(out));
    return out;
}

Result<void> write_files(Host& host, Plan const& plan) {
    for (auto const& file : plan.files) {
        host.say("write " + file.path.string());
        if (auto written = host.write(file.path, file.text, false); !written) {
            return written;
        }
    }
    return {};
}

// Drop-ins and environment files that we did not foresee may win over ours.
Result<void> check_in_force(Host& host, Plan const& plan) {
    auto const unit = host.show(kOllamaUnit);
    if (!unit) {
        return fail(unit.error());
    }
    auto const wanted = to_string(plan.ollama_now);
    auto const got = unit->variable("OLLAMA_HOST").value_or("");
    if (got != wanted) {
        return fail(
            Errc::Invalid,
            "OLLAMA_HOST of " + std::string(kOllamaUnit) + " is \"" + got + "\" instead of \"" +
                wanted + "\": another drop-in sets it (systemctl cat " + kOllamaUnit + ")"
        );
    }
    return {};
}

Result<void> move_servers(Host& host, Plan const& plan) {
    if (auto done = run(host, {"daemon-reload"}); !done) {
        return done;
    }
    if (auto checked = check_in_force(host, plan); !checked) {
        return checked;
    }
    if (auto done = run(host, with("stop", plan.plimsoll_units)); !done) {
        return done;
    }
    if (auto done = run(host, {"restart", kOllamaUnit}); !done) {
        return done;
    }
    host.say("wait for Ollama at " + to_string(plan.ollama_now));
    auto const version = host.wait_for(Server::Ollama, plan.ollama_now);
    if (!version) {
        return fail(version.error());
    }
    if (auto done = run(host, with("start", plan.plimsoll_units)); !done) {
        return done;
    }
    host.say("wait for Plimsoll at " + to_string(plan.plimsoll_now));
    auto const through = host.wait_for(Server::Plimsoll, plan.plimsoll_now);
    if (!through) {
        return fail(through.error());
    }
    auto const upstream = host.upstream_of(plan.control_url);
    if (!upstream) {
        return fail(upstream.error());
    }
    auto const wanted = "http://" + to_string(plan.ollama_now);
    if (*through != *version || *upstream != wanted) {
        return fail(
            Errc::Invalid,
            "a request through " + to_string(plan.plimsoll_now) + " reaches version " + *through +
                " at " + *upstream + ", not Ollama " + *version + " at " + wanted +
                "; a flag in ExecStart= of " + kPlimsollUnit + " may set another upstream"
        );
    }
    return {};
}

// As we wrote it, or as it was before: what else is there is somebody else's work.
Result<void> check_untouched(Host& host, Record const& record) {
    for (auto const& file : record.files) {
        auto const now = host.read(file.path);
        if (!now) {
            return fail(now.error());
        }
        bool const is_known = *now == file.previous || (now->has_value() && **now == file.written);
        if (!is_known) {
            return fail(
                Errc::Conflict,
                file.path.string() +
                    (now->has_value() ? " was changed since the takeover"
                                      : " was deleted since the takeover") +
                    ", so it is not put back; what was there before is in " + kRecordFile +
                    ". Put it right by hand, then delete that record"
            );
        }
    }
    return {};
}

Result<void> put_files_back(Host& host, Record const& record) {
    for (auto const& file : record.files) {
        host.say((file.previous ? "restore " : "remove ") + file.path.string());
        auto done = file.previous ? host.write(file.path, *file.previous, false)
                                  : host.remove(file.path, file.made_folder);
        if (!done) {
            return done;
        }
    }
    return {};
}

Result<void> put_back(Host& host, Record const& record) {
    if (auto done = run(host, with("stop", record.plimsoll_units)); !done) {
        return done;
    }
    if (auto done = put_files_back(host, record); !done) {
        return done;
    }
    if (auto done = run(host, {"daemon-reload"}); !done) {
        return done;
    }
    if (auto done = run(host, {"restart", kOllamaUnit}); !done) {
        return done;
    }
    host.say("wait for Ollama at " + to_string(record.ollama_was));
    if (auto const version = host.wait_for(Server::Ollama, record.ollama_was); !version) {
        return fail(version.error());
    }
    if (!record.active_before.empty()) {
        if (auto done = run(host, with("start", record.active_before)); !done) {
            return done;
        }
    }
    return host.remove(kRecordFile, record.made_folder);
}

}  // namespace

Result<void> perform(Host& host, Plan const& plan) {
    auto record = begin_record(plan);
    record.made_folder = !host.has_folder(kRecordFile);
    for (auto const& file : plan.files) {
        auto previous = host.read(file.path);
        if (!previous) {
            return fail(previous.error());
        }
        record.files.push_back(
            {file.path, std::move(*previous), file.text, !host.has_folder(file.path)}
        );
    }
    if (auto saved = host.write(kRecordFile, to_json(record), true); !saved) {
        return saved;
    }
    auto moved = write_files(host, plan);
    if (moved) {
        moved = move_servers(host, plan);
    }
    if (moved) {
        record.is_done = true;
        moved = host.write(kRecordFile, to_json(record), true);
    }
    if (moved) {
        return {};
    }
    auto const why = moved.error().message;
    host.say("failed: " + why + "; going back");
    if (auto const back = put_back(host, record); !back) {
        return fail(
            moved.error().code,
            why + ". Going back failed too: " + back.error().message +
                ". Put that right, then run `plimsoll takeover --undo`"
        );
    }
    return fail(moved.error().code, why + ". Everything is as it was before");
}

Result<void> undo(Host& host, Record const& record) {
    if (auto checked = check_untouched(host, record); !checked) {
        return checked;
    }
    return put_back(host, record);
}

}  // namespace plimsoll::app::takeover
