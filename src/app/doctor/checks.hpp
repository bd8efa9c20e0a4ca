#pragma once
// The checks of `plimsoll doctor`: facts in, findings out. Pure. Each says at least one thing, so
// that a check that finds nothing wrong is seen to have been made.

#include "app/doctor/facts.hpp"
#include "app/doctor/finding.hpp"

namespace plimsoll::app::doctor {

// checks_upstream.cpp: the configuration, the daemon, and what answers behind it.
Findings check_config(Facts const& facts);
Findings check_daemon(Facts const& facts);
Findings check_upstreams(Facts const& facts);
Findings check_foreign_models(Facts const& facts);

// checks_environment.cpp: how the server was started, against what Plimsoll was told.
Findings check_environment(Facts const& facts);
Findings check_environment(UpstreamFacts const& upstream, DeviceFacts const& device);

// checks_memory.cpp: cards, budget, and who else uses them.
Findings check_driver(Facts const& facts);
Findings check_budget(Facts const& facts);
Findings check_card_users(Facts const& facts);
Findings check_swap(Facts const& facts);

// checks_network.cpp: addresses and who speaks to whom.
Findings check_ports(Facts const& facts);
Findings check_exposure(Facts const& facts);
Findings check_bypass(Facts const& facts);
Findings check_clients(Facts const& facts);

// checks_host.cpp: files, limits, clock, services.
Findings check_state_file(Facts const& facts);
Findings check_disk(Facts const& facts);
Findings check_files(Facts const& facts);
Findings check_certificate(Facts const& facts);
Findings check_file_limit(Facts const& facts);
Findings check_clock(Facts const& facts);
Findings check_units(Facts const& facts);

// All of them, in the order in which a person would look.
Findings check_all(Facts const& facts);

}  // namespace plimsoll::app::doctor
