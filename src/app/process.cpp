#include "app/process.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <system_error>

namespace plimsoll::app {
namespace {

constexpr int kMmapThreshold =
    256 * 1024;  // bytes; held fixed, since glibc would raise it with each large body

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PLIMSOLL_HAS_LEAK_CHECK 1
#endif
#endif

std::optional<std::filesystem::path> folder_from(char const* variable) {
    char const* value = std::getenv(variable);
    if (value == nullptr || *value != '/') {  // XDG: a relative path is to be ignored
        return std::nullopt;
    }
    return std::filesystem::path(value);
}

}  // namespace

void prepare_process() {
    ::mallopt(M_MMAP_THRESHOLD, kMmapThreshold);
#ifndef PLIMSOLL_HAS_LEAK_CHECK  // the leak check attaches to its own process
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    std::signal(SIGPIPE, SIG_IGN);  // whoever read our log may end before us
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
}

void let_go_of_start_up_code() {
    auto const each = [](dl_phdr_info* object, std::size_t, void*) {
        auto const page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGE_SIZE));
        for (auto const& segment : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
            // Written by nobody, so each page is as in its file.
            bool const is_code = segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
                                 (segment.p_flags & PF_W) == 0;
            if (is_code) {
                auto const begin = (object->dlpi_addr + segment.p_vaddr) / page * page;
                auto const end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
                // Refused for what is no file (the kernel's own page), and that is right.
                ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
            }
        }
        return 0;
    };
    ::dl_iterate_phdr(each, nullptr);
}

Bytes host_memory() {
    long const pages = ::sysconf(_SC_PHYS_PAGES);
    long const size = ::sysconf(_SC_PAGE_SIZE);
    if (pages <= 0 || size <= 0) {
        return {};
    }
    return Bytes(static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size));
}

Bytes resident_memory() {
    std::ifstream pages("/proc/self/statm");
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    pages >> total >> resident;
    long const size = ::sysconf(_SC_PAGE_SIZE);
    return pages && size > 0 ? Bytes(resident * static_cast<std::uint64_t>(size)) : Bytes();
}

std::size_t open_files() {
    std::error_code failure;
    auto const all = std::filesystem::directory_iterator("/proc/self/fd", failure);
    auto const count = failure ? 0 : std::distance(begin(all), end(all));
    // Without the one that reads the folder.
    return count > 0 ? static_cast<std::size_t>(count - 1) : 0;
}

std::string machine_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data())
                                                            : std::string();
}

std::filesystem::path default_state_file() {
    std::filesystem::path const service = "/var/lib/plimsoll";
    if (::access(service.c_str(), W_OK | X_OK) == 0) {
        return service / "state.db";
    }
    if (auto const state = folder_from("XDG_STATE_HOME")) {
        return *state / "plimsoll" / "state.db";
    }
    if (auto const home = folder_from("HOME")) {
        return *home / ".local" / "state" / "plimsoll" / "state.db";
    }
    return {};
}

std::string authority_of(std::string const& address, unsigned port) {
    if (address.starts_with("unix:")) {
        return address;
    }
    bool const is_v6 = address.find(':') != std::string::npos;
    return (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace plimsoll::app
