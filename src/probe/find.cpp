#include <plimsoll/probe/probe.hpp>

namespace plimsoll::probe {

Found find_probe(Places const& places) {
    Found out;
    auto nvml = open_nvml(places.nvml);
    if (nvml) {
        out.probe = std::move(*nvml);
        return out;
    }
    if (nvml.error().code != Errc::NotFound) {
        out.problem = nvml.error().message;
    }
    auto amd = open_amdgpu(places.drm);
    if (amd) {
        out.probe = std::move(*amd);
    } else if (amd.error().code != Errc::NotFound) {
        out.problem += (out.problem.empty() ? "" : "; ") + amd.error().message;
    }
    return out;
}

}  // namespace plimsoll::probe
