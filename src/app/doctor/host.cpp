#include "app/doctor/host.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/net/wall_clock.hpp>
#include <plimsoll/store/check.hpp>

#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>

extern char** environ;

namespace plimsoll::app::doctor {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> read_file(fs::path const& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return std::nullopt;
    }
    return std::string(std::istreambuf_iterator<char>(in), {});
}

Environment parse_environment(std::string_view text, char separator) {
    Environment out;
    for (auto const line : split(text, separator)) {
        auto const equals = line.find('=');
        if (equals != std::string_view::npos && equals > 0) {
            out.insert_or_assign(std::string(line.substr(0, equals)), line.substr(equals + 1));
        }
    }
    return out;
}

// "VmSwap:     12 kB" to bytes; other numbers as they are.
std::uint64_t field_of(std::string_view text, std::string_view name) {
    for (auto const line : split(text, '\n')) {
        if (!line.starts_with(name)) {
            continue;
        }
        auto value = trim(line.substr(name.size()));
        bool const is_kib = iends_with(value, "kB");
        value = trim(value.substr(0, value.find(' ')));
        return parse_u64(value).value_or(0) * (is_kib ? 1024 : 1);
    }
    return 0;
}

std::string user_name(unsigned id) {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> buffer{};
    int const code = ::getpwuid_r(id, &entry, buffer.data(), buffer.size(), &found);
    return code == 0 && found != nullptr ? std::string(found->pw_name) : std::to_string(id);
}

// Of a running process: soft limit of "Max open files".
std::uint64_t file_limit_of(fs::path const& proc, int pid) {
    auto const text = read_file(proc / std::to_string(pid) / "limits");
    constexpr std::string_view kName = "Max open files";
    for (auto const line : split(text.value_or(""), '\n')) {
        if (line.starts_with(kName)) {
            auto const rest = trim(line.substr(kName.size()));
            return parse_u64(rest.substr(0, rest.find(' '))).value_or(0);
        }
    }
    return 0;
}

// The daemon raises its own limit as far as it may.
std::uint64_t file_limit_here() {
    rlimit files{};
    return ::getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_max : 0;
}

std::optional<bool> is_clock_synchronised() {
    timex state{};
    int const code = ::adjtimex(&state);  // no mode set: only asks
    return code < 0 ? std::nullopt : std::optional(code != TIME_ERROR);
}

std::vector<std::string> set_aside_beside(fs::path const& file) {
    std::vector<std::string> out;
    std::error_code ignored;
    for (auto const& entry : fs::directory_iterator(file.parent_path(), ignored)) {
        if (entry.path().filename().string().starts_with(file.filename().string() + ".aside-")) {
            out.push_back(entry.path().string());
        }
    }
    std::ranges::sort(out);
    return out;
}

}  // namespace

Result<Environment> read_environment(fs::path const& proc, int pid) {
    auto const file = proc / std::to_string(pid) / "environ";
    auto const text = read_file(file);
    if (!text) {
        return fail(Errc::Io, file.string() + " may not be read by this user");
    }
    return parse_environment(*text, '\0');
}

std::set<int> family_of(fs::path const& proc, int pid) {
    std::multimap<int, int> children;
    std::error_code ignored;
    for (auto const& entry : fs::directory_iterator(proc, ignored)) {
        auto const number = parse_u64(entry.path().filename().string());
        if (number) {
            auto const status = read_file(entry.path() / "status").value_or("");
            children.emplace(
                static_cast<int>(field_of(status, "PPid:")), static_cast<int>(*number)
            );
        }
    }
    std::set<int> out = {pid};
    std::vector<int> open = {pid};
    while (!open.empty()) {
        auto const [first, last] = children.equal_range(open.back());
        open.pop_back();
        for (auto child = first; child != last; ++child) {
            if (out.insert(child->second).second) {
                open.push_back(child->second);
            }
        }
    }
    return out;
}

std::string command_of(fs::path const& proc, int pid) {
    return std::string(trim(read_file(proc / std::to_string(pid) / "comm").value_or("")));
}

FileFacts look_at(fs::path const& path) {
    FileFacts out;
    out.path = path;
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) {
        return out;
    }
    out.exists = true;
    out.mode = found.st_mode & 07777U;
    out.owner = user_name(found.st_uid);
    out.size = Bytes(static_cast<std::uint64_t>(found.st_size));
    bool const is_folder = S_ISDIR(found.st_mode);
    out.is_readable = ::access(path.c_str(), R_OK) == 0;
    out.is_writable = ::access(path.c_str(), is_folder ? W_OK | X_OK : W_OK) == 0;
    return out;
}

StateFacts look_at_state(fs::path const& file) {
    StateFacts out;
    out.file.path = file;
    if (file.empty()) {
        return out;
    }
    out.file = look_at(file);
    auto folder = fs::absolute(file).parent_path();
    std::error_code ignored;
    while (!fs::exists(folder, ignored) && folder.has_relative_path()) {
        folder = folder.parent_path();
    }
    out.folder = look_at(folder);
    struct statvfs space{};
    if (::statvfs(folder.c_str(), &space) == 0) {
        out.free = Bytes(space.f_bavail * space.f_frsize);
    }
    out.set_aside = set_aside_beside(file);
    struct stat found{};
    if (::stat(file.c_str(), &found) == 0) {
        auto const now = std::chrono::duration<double>(net::wall_now()).count();
        out.age = now - static_cast<double>(found.st_mtim.tv_sec);
    }
    if (out.file.exists && out.file.is_readable) {
        auto const checked = store::quick_check(file);
        bool const is_content = !checked && checked.error().code == Errc::Invalid;
        out.integrity = checked ? *checked : is_content ? checked.error().message : "";
    }
    return out;
}

HostFacts look_at_host(
    Places const& places, std::optional<int> daemon, std::set<int> const& servers
) {
    HostFacts out;
    out.wall_seconds = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(net::wall_now()).count()
    );
    out.is_synchronised = is_clock_synchronised();
    out.max_files = daemon ? file_limit_of(places.proc, *daemon) : 0;
    out.max_files_of_daemon = out.max_files > 0;
    if (!out.max_files_of_daemon) {
        out.max_files = file_limit_here();
    }
    auto const memory = read_file(places.proc / "meminfo").value_or("");
    out.swap_total = Bytes(field_of(memory, "SwapTotal:"));
    out.swap_used = out.swap_total - Bytes(field_of(memory, "SwapFree:"));
    for (int const pid : servers) {
        auto const status = read_file(places.proc / std::to_string(pid) / "status").value_or("");
        out.server_swap += Bytes(field_of(status, "VmSwap:"));
    }
    for (char** line = environ; *line != nullptr; ++line) {
        out.shell.merge(parse_environment(*line, '\0'));
    }
    auto const login =
        parse_environment(read_file(places.root / "etc/environment").value_or(""), '\n');
    if (auto const set = login.find("OLLAMA_HOST"); set != login.end()) {
        out.login_ollama_host = set->second;
    }
    out.has_systemd = has_systemd(places.root);
    if (out.has_systemd) {
        auto const plimsoll = show_unit("plimsoll.service");
        out.plimsoll_unit = plimsoll ? std::optional(*plimsoll) : std::nullopt;
        auto const ollama = show_unit("ollama.service");
        out.ollama_unit = ollama ? std::optional(*ollama) : std::nullopt;
    }
    return out;
}

}  // namespace plimsoll::app::doctor
