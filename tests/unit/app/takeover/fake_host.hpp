#pragma once
// A machine on which each act can be made to fail, or the program to die at it.

#include "app/takeover/plan.hpp"
#include "app/takeover/steps.hpp"

#include <map>
#include <set>
#include <stdexcept>

namespace plimsoll::app::takeover::test {

// The program was killed.
struct Died : std::runtime_error {
    Died() : std::runtime_error("died") {}
};

class FakeHost final : public Host {
  public:
    std::map<std::string, std::string> files;
    std::set<std::string> folders = {"/etc/plimsoll", "/etc/systemd/system/plimsoll.service.d"};
    std::map<std::string, Unit> units;
    std::map<std::string, Address> running;  // "ollama", "plimsoll": where they listen
    std::set<std::uint16_t> taken;
    std::vector<std::string> acts;
    // The act of this number fails, or kills the program; 0: none.
    std::size_t fails_at = 0, dies_at = 0;
    bool dies_after = false;  // when the act was done
    bool plimsoll_ignores_its_drop_in = false;

    FakeHost() {
        Unit ollama;
        ollama.name = kOllamaUnit;
        ollama.load_state = "loaded";
        ollama.active_state = "active";
        units[kOllamaUnit] = ollama;
        Unit plimsoll = ollama;
        plimsoll.name = kPlimsollUnit;
        plimsoll.active_state = "active";
        units[kPlimsollUnit] = plimsoll;
        running["ollama"] = {"127.0.0.1", 11434};
        running["plimsoll"] = {"127.0.0.1", 11435};
    }

    Result<std::optional<std::string>> read(std::filesystem::path const& file) override {
        auto const found = files.find(file.string());
        return found == files.end() ? std::optional<std::string>() : std::optional(found->second);
    }

    Result<void> write(std::filesystem::path const& file, std::string_view text, bool) override {
        return act("write " + file.string(), [&] {
            files[file.string()] = text;
            folders.insert(file.parent_path().string());
        });
    }

    bool has_folder(std::filesystem::path const& file) override {
        return folders.contains(file.parent_path().string());
    }

    Result<void> remove(std::filesystem::path const& file, bool with_folder) override {
        return act("remove " + file.string(), [&] {
            files.erase(file.string());
            if (with_folder) {
                folders.erase(file.parent_path().string());
            }
        });
    }

    Result<void> systemctl(std::vector<std::string> const& words) override {
        std::string line;
        for (auto const& word : words) {
            line += (line.empty() ? "" : " ") + word;
        }
        return act(line, [&] { do_systemctl(words); });
    }

    Result<Unit> show(std::string const& unit) override {
        auto const found = units.find(unit);
        if (found != units.end()) {
            return found->second;
        }
        Unit none;
        none.load_state = "not-found";
        return none;
    }

    Result<std::uint16_t> free_port(std::vector<std::uint16_t> const& ports) override {
        for (auto const port : ports) {
            if (!taken.contains(port)) {
                return port;
            }
        }
        return fail(Errc::NotFound, "no port is free");
    }

    Result<std::string> wait_for(Server server, Address const& address) override {
        Result<std::string> out = fail(Errc::Timeout, "nothing answers");
        auto const done = act("wait " + to_string(address), [&] {
            auto const name = server == Server::Ollama ? "ollama" : "plimsoll";
            if (running.contains(name) && running[name] == address) {
                out = "0.12.3";
            }
        });
        return done ? out : Result<std::string>(fail(done.error()));
    }

    Result<std::string> upstream_of(std::string const& url) override {
        asked = url;
        return plimsoll_ignores_its_drop_in ? "http://127.0.0.1:9" : upstream;
    }

    void say(std::string const&) override {}

    std::string upstream = "http://127.0.0.1:11434";
    std::string asked;  // the control API that told of it

  private:
    template <class Do>
    Result<void> act(std::string name, Do const& done) {
        acts.push_back(std::move(name));
        if (acts.size() == dies_at && !dies_after) {
            throw Died();
        }
        if (acts.size() == fails_at) {
            return fail(Errc::Io, "made to fail at " + acts.back());
        }
        done();
        if (acts.size() == dies_at) {
            throw Died();
        }
        return {};
    }

    std::string drop_in(std::string const& unit, std::string const& name) const {
        for (auto const& [path, text] : files) {
            if (!path.contains("/" + unit + ".d/")) {
                continue;
            }
            auto const at = text.find(name + "=");
            if (at != std::string::npos) {
                auto const from = at + name.size() + 1;
                return text.substr(from, text.find_first_of("\"\n", from) - from);
            }
        }
        return {};
    }

    static Address address_of(std::string text) {
        auto const colon = text.rfind(':');
        return {
            text.substr(0, colon), static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1)))
        };
    }

    void do_systemctl(std::vector<std::string> const& words) {
        if (words[0] == "daemon-reload") {
            auto const host = drop_in(kOllamaUnit, "OLLAMA_HOST");
            auto& environment = units[kOllamaUnit].environment;
            environment.clear();
            if (!host.empty()) {
                environment.push_back("OLLAMA_HOST=" + host);
            }
            return;
        }
        for (std::size_t i = 1; i < words.size(); ++i) {
            bool const is_ollama = words[i] == kOllamaUnit;
            auto const name = is_ollama ? "ollama" : "plimsoll";
            if (words[0] == "stop") {
                running.erase(name);
                continue;
            }
            auto const host = is_ollama ? drop_in(kOllamaUnit, "OLLAMA_HOST")
                                        : drop_in(kPlimsollUnit, "PLIMSOLL_LISTEN");
            running[name] = !host.empty() ? address_of(host)
                            : is_ollama   ? Address{"127.0.0.1", 11434}
                                          : Address{"127.0.0.1", 11435};
            if (!is_ollama) {
                auto const set = drop_in(kPlimsollUnit, "PLIMSOLL_UPSTREAM");
                upstream = set.empty() ? "http://127.0.0.1:11434" : set;
            }
        }
    }
};

}  // namespace plimsoll::app::takeover::test
