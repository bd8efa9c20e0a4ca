#include "app/control_client.hpp"
#include "app/doctor/ask.hpp"
#include "app/doctor/sockets.hpp"
#include "app/json_view.hpp"
#include "app/process.hpp"
#include "app/takeover/host.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <system_error>

namespace plimsoll::app::takeover {
namespace {

namespace fs = std::filesystem;

constexpr Duration kPoll = std::chrono::milliseconds(200);
constexpr Duration kSilence = std::chrono::minutes(3);  // a stop may wait for running answers
constexpr mode_t kForAll = 0644, kForRoot = 0600;

Error system_error(fs::path const& file, int code) {
    return {Errc::Io, file.string() + ": " + std::generic_category().message(code)};
}

// In place of the old one only when all of it is on disk.
Result<void> write_whole(fs::path const& file, std::string_view text, mode_t mode) {
    auto const next = file.string() + ".new";
    int const descriptor = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (descriptor < 0) {
        return fail(system_error(next, errno));
    }
    std::size_t done = 0;
    int code = ::fchmod(descriptor, mode) == 0 ? 0 : errno;
    while (code == 0 && done < text.size()) {
        auto const count = ::write(descriptor, text.data() + done, text.size() - done);
        if (count < 0 && errno != EINTR) {
            code = errno;
        }
        done += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    if (code == 0 && ::fsync(descriptor) != 0) {
        code = errno;
    }
    ::close(descriptor);
    if (code == 0 && ::rename(next.c_str(), file.c_str()) != 0) {
        code = errno;
    }
    if (code != 0) {
        ::unlink(next.c_str());
        return fail(system_error(file, code));
    }
    return {};
}

net::Task<void> sleep(net::Loop& loop, Duration time) {
    co_await net::sleep_until(loop, loop.now() + time);
}

// The version that Ollama answers with.
Result<std::string> ask_ollama(std::string const& url) {
    auto const answer = doctor::ask_server(url, {}, {});
    if (!answer.connected) {
        return fail(Errc::UpstreamUnavailable, answer.error);
    }
    if (answer.is_plimsoll) {
        return fail(Errc::Invalid, "Plimsoll answers, not Ollama");
    }
    if (answer.version.empty()) {
        return fail(
            Errc::Invalid, "GET /api/version gives status " + std::to_string(answer.version_status)
        );
    }
    return answer.version;
}

// The version that Plimsoll relays.
Result<std::string> ask_plimsoll(std::string const& url, std::string const& key_file) {
    auto client = ControlClient::make(url, key_file);
    if (!client) {
        return fail(client.error());
    }
    auto const health = client->call(http::Method::Get, "/healthz", {});
    if (!health) {
        return fail(health.error());
    }
    if (JsonView(health->body)["status"].text() != "ok") {
        return fail(Errc::Invalid, "what answers is not Plimsoll");
    }
    auto const relayed = client->call(http::Method::Get, "/api/version", {});
    if (!relayed) {
        return fail(relayed.error());
    }
    auto version = JsonView(relayed->body)["version"].text();
    if (relayed->status != 200 || version.empty()) {
        return fail(Errc::Invalid, "GET /api/version: " + ControlClient::sentence_of(*relayed));
    }
    return version;
}

class Machine final : public Host {
  public:
    Machine(fs::path root, Duration patience, std::string key_file)
        : root_(std::move(root)), patience_(patience), key_file_(std::move(key_file)) {}

    Result<std::optional<std::string>> read(fs::path const& file) override {
        auto const path = under(file);
        std::error_code failure;
        if (!fs::exists(path, failure)) {
            return failure
                       ? Result<std::optional<std::string>>(fail(system_error(path, failure.value())
                         ))
                       : std::optional<std::string>();
        }
        std::ifstream in(path, std::ios::binary);
        if (!in) {
            return fail(system_error(path, errno));
        }
        return std::optional(std::string(std::istreambuf_iterator<char>(in), {}));
    }

    Result<void> write(fs::path const& file, std::string_view text, bool secret) override {
        auto const path = under(file);
        std::error_code failure;
        fs::create_directories(path.parent_path(), failure);
        if (failure) {
            return fail(system_error(path.parent_path(), failure.value()));
        }
        return write_whole(path, text, secret ? kForRoot : kForAll);
    }

    bool has_folder(fs::path const& file) override {
        std::error_code ignored;
        return fs::is_directory(under(file).parent_path(), ignored);
    }

    Result<void> remove(fs::path const& file, bool with_folder) override {
        auto const path = under(file);
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
            return fail(system_error(path, errno));
        }
        if (with_folder) {
            ::rmdir(path.parent_path().c_str());  // goes only if it is empty
        }
        return {};
    }

    Result<void> systemctl(std::vector<std::string> const& words) override {
        std::vector<std::string> command = {"systemctl"};
        command.insert(command.end(), words.begin(), words.end());
        auto const done = run_program(command, kSilence);
        if (!done) {
            return fail(done.error());
        }
        if (done->status != 0) {
            return fail(
                Errc::Io,
                "exit status " + std::to_string(done->status) + ": " +
                    printable(trim(done->err + done->out), 500)
            );
        }
        return {};
    }

    Result<Unit> show(std::string const& unit) override { return show_unit(unit); }

    Result<std::uint16_t> free_port(std::vector<std::uint16_t> const& ports) override {
        auto const sockets = doctor::read_sockets("/proc", ports);
        std::string taken;
        for (auto const port : ports) {
            auto const* listener = sockets.at("0.0.0.0", port);
            if (listener == nullptr) {
                return port;
            }
            taken += (taken.empty() ? "" : ", ") + std::to_string(port) +
                     (listener->command.empty() ? "" : " (" + listener->command + ")");
        }
        return fail(
            Errc::NotFound, "no port is free for Ollama: " + taken + "; name one: --ollama-port"
        );
    }

    Result<std::string> wait_for(Server server, Address const& address) override {
        net::Loop loop;
        auto const until = loop.now() + patience_;
        for (;;) {
            auto const url = url_of(address);
            auto last = server == Server::Ollama ? ask_ollama(url) : ask_plimsoll(url, key_file_);
            if (last) {
                return last;
            }
            if (loop.now() >= until) {
                return fail(
                    Errc::Timeout,
                    url + " does not answer as it should within " + format_duration(patience_) +
                        ": " + last.error().message + "; its log says more (journalctl -e -u " +
                        (server == Server::Ollama ? "ollama" : "plimsoll") + ")"
                );
            }
            loop.spawn("sleep", sleep(loop, kPoll));
            loop.run();
        }
    }

    Result<std::string> upstream_of(std::string const& url) override {
        auto client = ControlClient::make(url, key_file_);
        if (!client) {
            return fail(client.error());
        }
        auto const status = client->get("/plimsoll/v1/status");
        if (!status) {
            return fail(status.error());
        }
        auto const upstreams = JsonView(*status)["upstreams"].items();
        return upstreams.empty() ? std::string() : upstreams.front()["url"].text();
    }

    void say(std::string const& line) override {
        std::printf("  %s\n", line.c_str());
        std::fflush(stdout);
    }

  private:
    [[nodiscard]] fs::path under(fs::path const& file) const {
        return root_ / file.relative_path();
    }

    fs::path root_;
    Duration patience_;
    std::string key_file_;
};

}  // namespace

std::unique_ptr<Host> this_machine(fs::path root, Duration patience, std::string key_file) {
    return std::make_unique<Machine>(std::move(root), patience, std::move(key_file));
}

}  // namespace plimsoll::app::takeover
