#pragma once
// What the daemon and the servers behind it answer. Blocking, some seconds at most.

#include "app/doctor/facts.hpp"

#include <plimsoll/net/tls.hpp>

#include <boost/json/value.hpp>

#include <string>

namespace plimsoll::app::doctor {

// GET /healthz, /api/version and /api/ps. `tls`: of an https URL. `api_key`: what the server wants;
// empty: nothing.
Answer ask_server(
    std::string const& url, net::TlsClientSettings const& tls, std::string const& api_key
);

struct DaemonAnswer {
    DaemonFacts facts;
    boost::json::value status;  // as it came; null without a daemon
};

// `key_file`: with our key; empty: $PLIMSOLL_KEY.
DaemonAnswer ask_daemon(std::string const& url, std::string const& key_file);

}  // namespace plimsoll::app::doctor
