// NVIDIA's management library, loaded at run time: neither building nor starting needs it.

#include <plimsoll/base/text.hpp>
#include <plimsoll/probe/probe.hpp>

#include <dlfcn.h>

#include <array>
#include <cstdint>

namespace plimsoll::probe {

namespace {

// The part of nvml.h that is used here; the library keeps these for good.
using Device = void*;

struct Memory {
    unsigned long long total, free, used;
};

constexpr int kSuccess = 0;
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

  private:
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

}  // namespace

Result<std::unique_ptr<MemoryProbe>> open_nvml(std::string const& library) {
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
    auto probe = std::make_unique<Nvml>(std::move(handle), functions);
    if (auto const cards = probe->read(); !cards) {
        return fail(cards.error());
    }
    return probe;
}

}  // namespace plimsoll::probe
