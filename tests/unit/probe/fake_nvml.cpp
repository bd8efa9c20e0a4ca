// A stand-in for NVIDIA's management library. FAKE_NVML says what it has: "total used" of each card
// in MiB, separated by commas, and behind it number and MiB of a program there; "init" makes the
// start fail, anything else that is no number the reading of that card.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Process {
    unsigned pid;
    unsigned long long used;
    unsigned gpu_instance, compute_instance;
};

struct Memory {
    unsigned long long total, free, used;
};

std::string_view script() {
    char const* const text = std::getenv("FAKE_NVML");
    return text == nullptr ? "" : text;
}

// One text for each card; the device handle is its index and one, as a pointer.
std::vector<std::string> cards() {
    std::vector<std::string> out;
    for (std::string_view rest = script(); !rest.empty();) {
        auto const comma = rest.find(',');
        out.emplace_back(rest.substr(0, comma));
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return out;
}

std::string card_of(void* device) {
    return cards().at(reinterpret_cast<std::size_t>(device) - 1);
}

}  // namespace

extern "C" {

int nvmlInit_v2() {
    return script() == "init" ? 9 : 0;
}

int nvmlShutdown() {
    return 0;
}

char const* nvmlErrorString(int code) {
    return code == 9 ? "Driver Not Loaded" : "GPU is lost";
}

int nvmlDeviceGetCount_v2(unsigned* count) {
    *count = static_cast<unsigned>(cards().size());
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
    *device = reinterpret_cast<void*>(static_cast<std::size_t>(index) + 1);
    return 0;
}

int nvmlDeviceGetMemoryInfo(void* device, Memory* memory) {
    unsigned long long total = 0;
    unsigned long long used = 0;
    if (std::sscanf(card_of(device).c_str(), "%llu %llu", &total, &used) != 2) {
        return 15;
    }
    *memory = {total << 20U, (total - used) << 20U, used << 20U};
    return 0;
}

int nvmlDeviceGetName(void*, char* name, unsigned length) {
    std::snprintf(name, length, "Fake 4090");
    return 0;
}

int nvmlDeviceGetUUID(void* device, char* uuid, unsigned length) {
    std::snprintf(uuid, length, "GPU-%zu", reinterpret_cast<std::size_t>(device));
    return 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void* device, unsigned* count, Process* out) {
    unsigned pid = 0;
    unsigned long long used = 0;
    *count = 0;
    if (std::sscanf(card_of(device).c_str(), "%*u %*u %u %llu", &pid, &used) == 2) {
        out[0] = {pid, used << 20U, 0, 0};
        *count = 1;
    }
    return 0;
}
}
