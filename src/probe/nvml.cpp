// NVIDIA's management library, loaded at run time: neither building nor starting needs it.

#include <plimsoll/base/text.hpp>
#include <plimsoll/probe/probe.hpp>
#include <plimsoll/probe/processes.hpp>

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>

namespace plimsoll::probe {

namespace {

// The part of nvml.h that is used here; the library keeps these for good.
using Device = void*;

struct Memory {
    unsigned long long total, free, used;
};

// nvmlProcessInfo_t of the functions that end in _v3 (drivers since 2021).
struct Process {
    unsigned pid;
    unsigned long long used;
    unsigned gpu_instance, compute_instance;
};

constexpr int kSuccess = 0;
constexpr unsigned kMostProcesses = 512;  // of a card; more are not counted
constexpr unsigned kNameLength = 96;
constexpr unsigned kMostCards = 64;

struct CloseLibrary {
    void operator()(void* handle) const { dlclose(handle); }
};

using Library = std::unique_ptr<void, CloseLibrary>;

struct Functions {
    int (*init)() = nullptr;
    int (*shutdown)() = nullptr;
    char const* (*error_string)(int) = nullptr;
    int (*device_count)(unsigned*) = nullptr;
    int (*device_handle)(unsigned, Device*) = nullptr;
    int (*memory_info)(Device, Memory*) = nullptr;
    int (*name)(Device, char*, unsigned) = nullptr;
    int (*uuid)(Device, char*, unsigned) = nullptr;
    // Null in older drivers.
    int (*compute_processes)(Device, unsigned*, Process*) = nullptr;
    int (*graphics_processes)(Device, unsigned*, Process*) = nullptr;
};

template <class Function>
bool find(void* library, char const* name, Function& out) {
    // POSIX gives functions as data pointers.
    out = reinterpret_cast<Function>(dlsym(library, name));
    return out != nullptr;
}

// The name of what is missing; empty: all is there.
std::string find_functions(void* library, Functions& out) {
    std::string missing;
    auto const need = [&](char const* name, auto& function) {
        if (!find(library, name, function) && missing.empty()) {
            missing = name;
        }
    };
    need("nvmlInit_v2", out.init);
    need("nvmlShutdown", out.shutdown);
    need("nvmlErrorString", out.error_string);
    need("nvmlDeviceGetCount_v2", out.device_count);
    need("nvmlDeviceGetHandleByIndex_v2", out.device_handle);
    need("nvmlDeviceGetMemoryInfo", out.memory_info);
    need("nvmlDeviceGetName", out.name);
    need("nvmlDeviceGetUUID", out.uuid);
    find(library, "nvmlDeviceGetComputeRunningProcesses_v3", out.compute_processes);
    find(library, "nvmlDeviceGetGraphicsRunningProcesses_v3", out.graphics_processes);
    return missing;
}

class Nvml final : public MemoryProbe {
  public:
    Nvml(Library library, Functions functions)
        : library_(std::move(library)), functions_(functions) {}

    ~Nvml() override { functions_.shutdown(); }

    Nvml(Nvml const&) = delete;
    Nvml& operator=(Nvml const&) = delete;

    [[nodiscard]] std::string source() const override { return "NVML"; }

    Result<std::vector<Card>> read() override {
        unsigned count = 0;
        if (int const code = functions_.device_count(&count); code != kSuccess) {
            return failed("counting cards", code);
        }
        if (count == 0 || count > kMostCards) {
            return fail(Errc::Io, "NVML counts " + std::to_string(count) + " cards");
        }
        std::vector<Card> cards;
        for (unsigned i = 0; i < count; ++i) {
            Device device = nullptr;
            if (int const code = functions_.device_handle(i, &device); code != kSuccess) {
                return failed("finding card " + std::to_string(i), code);
            }
            Memory memory{};
            if (int const code = functions_.memory_info(device, &memory); code != kSuccess) {
                return failed("reading the memory of card " + std::to_string(i), code);
            }
            if (memory.total == 0 || memory.used > memory.total) {
                return fail(
                    Errc::Io,
                    "NVML says that card " + std::to_string(i) + " uses " +
                        std::to_string(memory.used) + " of " + std::to_string(memory.total) +
                        " bytes"
                );
            }
            cards.push_back(
                {.id = "nvidia:" + text(functions_.uuid, device, std::to_string(i)),
                 .name = text(functions_.name, device, ""),
                 .total = Bytes(memory.total),
                 .used = Bytes(memory.used)}
            );
        }
        return cards;
    }

    Result<std::vector<CardProcess>> processes() {
        if (functions_.compute_processes == nullptr) {
            return fail(Errc::Unsupported, "this driver does not tell which programs use a card");
        }
        unsigned count = 0;
        if (int const code = functions_.device_count(&count); code != kSuccess) {
            return failed("counting cards", code);
        }
        std::vector<CardProcess> out;
        for (unsigned i = 0; i < std::min(count, kMostCards); ++i) {
            Device device = nullptr;
            if (int const code = functions_.device_handle(i, &device); code != kSuccess) {
                return failed("finding card " + std::to_string(i), code);
            }
            auto const card = "nvidia:" + text(functions_.uuid, device, std::to_string(i));
            for (auto* list : {functions_.compute_processes, functions_.graphics_processes}) {
                if (list != nullptr) {
                    add_processes(list, device, card, out);
                }
            }
        }
        return out;
    }

  private:
    // A program that computes and draws is in both lists.
    static void add_processes(
        int (*list)(Device, unsigned*, Process*),
        Device device,
        std::string const& card,
        std::vector<CardProcess>& out
    ) {
        std::array<Process, kMostProcesses> found{};
        unsigned count = kMostProcesses;
        if (list(device, &count, found.data()) != kSuccess) {
            return;
        }
        for (auto const& one : std::span(found).first(std::min(count, kMostProcesses))) {
            int const pid = static_cast<int>(one.pid);
            bool const is_known = std::ranges::any_of(out, [&](CardProcess const& other) {
                return other.card == card && other.pid == pid;
            });
            if (!is_known) {
                bool const is_said = one.used != std::numeric_limits<unsigned long long>::max();
                out.push_back({card, pid, is_said ? Bytes(one.used) : Bytes()});
            }
        }
    }

    [[nodiscard]] std::unexpected<Error> failed(std::string const& what, int code) const {
        char const* const words = functions_.error_string(code);
        return fail(
            Errc::Io,
            "NVML: " + what + " failed: " + printable(words == nullptr ? "unknown error" : words)
        );
    }

    static std::string text(
        int (*read)(Device, char*, unsigned), Device device, std::string const& otherwise
    ) {
        std::array<char, kNameLength + 1> buffer{};
        bool const is_read = read(device, buffer.data(), kNameLength) == kSuccess;
        return is_read ? printable(buffer.data(), kNameLength) : otherwise;
    }

    Library library_;
    Functions functions_;
};

Result<std::unique_ptr<Nvml>> open(std::string const& library) {
    if (library.empty()) {  // to dlopen() the program itself
        return fail(Errc::NotFound, "NVML is not asked");
    }
    Library handle(dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL));
    if (!handle) {
        char const* const why = dlerror();
        std::string const words = printable(why == nullptr ? library : std::string(why));
        // The loader's words tell a missing file from a broken one; it has no code for it.
        bool const is_missing = words.contains("No such file");
        return fail(is_missing ? Errc::NotFound : Errc::Io, "NVML cannot be loaded: " + words);
    }
    Functions functions;
    if (std::string const missing = find_functions(handle.get(), functions); !missing.empty()) {
        return fail(Errc::Io, "NVML cannot be used: " + printable(library) + " has no " + missing);
    }
    if (int const code = functions.init(); code != kSuccess) {
        char const* const words = functions.error_string(code);
        return fail(
            Errc::Io,
            "NVML cannot be started: " + printable(words == nullptr ? "unknown error" : words)
        );
    }
    return std::make_unique<Nvml>(std::move(handle), functions);
}

}  // namespace

Result<std::unique_ptr<MemoryProbe>> open_nvml(std::string const& library) {
    auto probe = open(library);
    if (!probe) {
        return fail(probe.error());
    }
    if (auto const cards = (*probe)->read(); !cards) {
        return fail(cards.error());
    }
    return std::unique_ptr<MemoryProbe>(std::move(*probe));
}

Result<std::vector<CardProcess>> nvml_processes(std::string const& library) {
    auto probe = open(library);
    if (!probe) {
        return fail(probe.error());
    }
    return (*probe)->processes();
}

}  // namespace plimsoll::probe
