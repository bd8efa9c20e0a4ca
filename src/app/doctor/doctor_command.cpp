#include "app/doctor/checks.hpp"
#include "app/doctor/gather.hpp"
#include "app/doctor/report.hpp"
#include "app/run.hpp"

#include <cstdio>

namespace plimsoll::app {

int run_doctor(DoctorOptions const& options) {
    auto const facts = doctor::gather(options, {.root = options.root});
    auto const findings = doctor::check_all(facts);
    auto const text =
        options.json ? doctor::to_json(findings) : doctor::render(findings, terminal_of(1));
    std::fputs(text.c_str(), stdout);
    return doctor::exit_status(findings);
}

}  // namespace plimsoll::app
