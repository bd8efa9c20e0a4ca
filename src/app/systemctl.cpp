#include "app/systemctl.hpp"

#include <plimsoll/base/text.hpp>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

extern char** environ;

namespace plimsoll::app {
namespace {

constexpr std::size_t kMostOutput = 1 << 20;  // bytes of each stream
constexpr Duration kShowSilence = std::chrono::seconds(10);

struct Pipe {
    int read_end = -1, write_end = -1;

    Pipe() {
        std::array<int, 2> ends{-1, -1};
        if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
            read_end = ends[0];
            write_end = ends[1];
        }
    }

    ~Pipe() {
        close_end(read_end);
        close_end(write_end);
    }

    Pipe(Pipe const&) = delete;
    Pipe& operator=(Pipe const&) = delete;

    static void close_end(int& end) {
        if (end >= 0) {
            ::close(end);
        }
        end = -1;
    }
};

// False at its end.
bool read_piece(int& descriptor, std::string& out) {
    std::array<char, 4096> buffer{};
    auto const count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) {
        return true;
    }
    if (count <= 0) {
        return false;
    }
    auto const room = kMostOutput - std::min(kMostOutput, out.size());
    out.append(buffer.data(), std::min(static_cast<std::size_t>(count), room));
    return true;
}

// Both streams until their ends. False: silent for too long.
bool read_both(Pipe& out, Pipe& err, Duration silence, ProgramOutput& output) {
    auto const limit = std::chrono::duration_cast<std::chrono::milliseconds>(silence).count();
    while (out.read_end >= 0 || err.read_end >= 0) {
        std::array<pollfd, 2> ends{
            pollfd{out.read_end, POLLIN, 0}, pollfd{err.read_end, POLLIN, 0}
        };
        int const ready = ::poll(ends.data(), ends.size(), static_cast<int>(limit));
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            return false;
        }
        if (ends[0].revents != 0 && !read_piece(out.read_end, output.out)) {
            Pipe::close_end(out.read_end);
        }
        if (ends[1].revents != 0 && !read_piece(err.read_end, output.err)) {
            Pipe::close_end(err.read_end);
        }
    }
    return true;
}

int start(std::vector<std::string> const& words, Pipe const& out, Pipe const& err, pid_t& pid) {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (auto const& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));  // posix_spawn changes nothing
    }
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out.write_end, 1);
    ::posix_spawn_file_actions_adddup2(&actions, err.write_end, 2);
    int const code =
        ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    return code;
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string joined(std::vector<std::string> const& words) {
    std::string out;
    for (auto const& word : words) {
        out += (out.empty() ? "" : " ") + word;
    }
    return out;
}

}  // namespace

Result<ProgramOutput> run_program(std::vector<std::string> const& words, Duration silence) {
    Pipe out;
    Pipe err;
    if (out.read_end < 0 || err.read_end < 0) {
        return fail(Errc::Io, words[0] + " cannot be started: no pipe");
    }
    pid_t pid = 0;
    if (int const code = start(words, out, err, pid); code != 0) {
        return fail(
            code == ENOENT ? Errc::NotFound : Errc::Io,
            words[0] + " cannot be started: " + std::generic_category().message(code)
        );
    }
    Pipe::close_end(out.write_end);
    Pipe::close_end(err.write_end);
    ProgramOutput output;
    if (!read_both(out, err, silence, output)) {
        ::kill(pid, SIGKILL);
        wait_for(pid);
        return fail(
            Errc::Timeout,
            "`" + joined(words) + "` said nothing for " + format_duration(silence) +
                " and was ended"
        );
    }
    output.status = wait_for(pid);
    return output;
}

std::optional<std::string> Unit::variable(std::string_view key) const {
    std::optional<std::string> out;
    for (auto const& line : environment) {
        auto const equals = line.find('=');
        if (equals != std::string::npos && std::string_view(line).substr(0, equals) == key) {
            out = line.substr(equals + 1);
        }
    }
    return out;
}

std::vector<std::string> parse_unit_words(std::string_view text) {
    std::vector<std::string> out;
    std::string word;
    char quote = '\0';
    bool is_open = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (c == '\\' && i + 1 < text.size()) {
            word += text[++i];
            is_open = true;
        } else if (quote != '\0' ? c == quote : c == '"' || c == '\'') {
            quote = quote != '\0' ? '\0' : c;
            is_open = true;
        } else if (quote == '\0' && (c == ' ' || c == '\t' || c == '\n')) {
            if (is_open) {
                out.push_back(std::exchange(word, {}));
            }
            is_open = false;
        } else {
            word += c;
            is_open = true;
        }
    }
    if (is_open) {
        out.push_back(word);
    }
    return out;
}

Unit parse_unit(std::string const& name, std::string_view text) {
    Unit unit;
    unit.name = name;
    for (auto const line : split(text, '\n')) {
        auto const equals = line.find('=');
        if (equals == std::string_view::npos) {
            continue;
        }
        auto const key = line.substr(0, equals);
        auto const value = line.substr(equals + 1);
        auto const is = [&](std::string_view wanted, std::string& into) {
            if (key == wanted) {
                into = value;
            }
        };
        is("LoadState", unit.load_state);
        is("ActiveState", unit.active_state);
        is("SubState", unit.sub_state);
        is("UnitFileState", unit.file_state);
        is("FragmentPath", unit.fragment);
        is("User", unit.user);
        if (key == "DynamicUser") {
            unit.has_dynamic_user = value == "yes";
        } else if (key == "DropInPaths") {
            unit.drop_ins = parse_unit_words(value);
        } else if (key == "Environment") {
            unit.environment = parse_unit_words(value);
        } else if (key == "EnvironmentFiles" && !value.empty()) {
            unit.environment_files.emplace_back(value.substr(0, value.find(" (")));
        } else if (key == "MainPID") {
            auto const pid = parse_u64(value);
            unit.main_pid = pid && *pid > 0 ? std::optional(static_cast<int>(*pid)) : std::nullopt;
        } else if (key == "NRestarts") {
            unit.restarts = static_cast<unsigned>(parse_u64(value).value_or(0));
        }
    }
    return unit;
}

bool has_systemd(std::filesystem::path const& root) {
    std::error_code ignored;
    return std::filesystem::is_directory(root / "run/systemd/system", ignored);
}

Result<Unit> show_unit(std::string const& name) {
    auto const shown = run_program(
        {"systemctl",
         "show",
         name,
         "--no-pager",
         "--property=LoadState,ActiveState,SubState,UnitFileState,FragmentPath,DropInPaths,"
         "Environment,EnvironmentFiles,MainPID,NRestarts,User,DynamicUser"},
        kShowSilence
    );
    if (!shown) {
        return fail(shown.error());
    }
    if (shown->status != 0) {
        return fail(
            Errc::Io,
            "`systemctl show " + name + "` failed: " + printable(trim(shown->err + shown->out))
        );
    }
    return parse_unit(name, shown->out);
}

}  // namespace plimsoll::app
