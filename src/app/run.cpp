#include "app/run.hpp"

#include "app/cli.hpp"

#include <cstdio>
#include <cstdlib>

namespace plimsoll::app {
namespace {

int execute(ServeOptions const& options) {
    return run_serve(options);
}

int execute(SimOptions const& options) {
    return run_sim(options);
}

int execute(ConfigOptions const& options) {
    return run_config(options);
}

int execute(ClientOptions const& options) {
    return run_client(options);
}

int execute(EstimateOptions const& options) {
    return run_estimate(options);
}

int execute(SimulateOptions const& options) {
    return run_simulate(options);
}

int execute(ReplayOptions const& options) {
    return run_replay(options);
}

int execute(ChainOptions const& options) {
    return run_chain(options);
}

int execute(RunsOptions const& options) {
    return run_runs(options);
}

int execute(KeyOptions const& options) {
    return run_key(options);
}

int execute(HealthOptions const& options) {
    return run_health(options);
}

int execute(PrintOptions const& options) {
    std::fputs(options.text.c_str(), stdout);
    return std::fflush(stdout) == 0 ? 0 : 1;
}

int execute(DoctorOptions const& options) {
    return run_doctor(options);
}

int execute(TakeoverOptions const& options) {
    return run_takeover(options);
}

int execute(TopOptions const& options) {
    return run_top(options);
}

int execute(VersionOptions const&) {
    std::printf("plimsoll %.*s\n", static_cast<int>(version().size()), version().data());
    return 0;
}

}  // namespace

int run(std::span<std::string const> arguments) {
    char const* url = std::getenv("PLIMSOLL_URL");
    auto const parsed =
        parse_command_line(arguments, url != nullptr && *url != '\0' ? url : ClientOptions{}.url);
    if (auto const* exit = std::get_if<Exit>(&parsed)) {
        std::fputs(exit->out.c_str(), stdout);
        std::fputs(exit->err.c_str(), stderr);
        return exit->status;
    }
    return std::visit(
        [](auto const& options) { return execute(options); }, std::get<Command>(parsed)
    );
}

}  // namespace plimsoll::app
