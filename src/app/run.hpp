#pragma once
// From words to an exit status: parse, then the one function of the command.

#include "app/options.hpp"

#include <span>
#include <string>

namespace plimsoll::app {

int run(std::span<std::string const> arguments);

int run_serve(ServeOptions const& options);
int run_sim(SimOptions const& options);
int run_config(ConfigOptions const& options);
int run_client(ClientOptions const& options);
int run_estimate(EstimateOptions const& options);
int run_chain(ChainOptions const& options);
int run_runs(RunsOptions const& options);
int run_health(HealthOptions const& options);
int run_key(KeyOptions const& options);
int run_replay(ReplayOptions const& options);
int run_doctor(DoctorOptions const& options);
int run_takeover(TakeoverOptions const& options);
int run_top(TopOptions const& options);
int run_simulate(SimulateOptions const& options);

}  // namespace plimsoll::app
