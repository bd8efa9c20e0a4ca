#pragma once
// Host and Origin: who may call (DNS rebinding, foreign web pages), and the CORS answers that
// browser clients of Ollama expect, made by us because the upstream never sees the client's Host or
// Origin. Pure.

#include <plimsoll/http/head.hpp>
#include <plimsoll/http/reply.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::http {

struct OriginPolicy {
    bool check_host = true;                  // Ollama checks only on a loopback listener; so do we
    std::vector<std::string> allowed_hosts;  // besides the built-in ones; "*.example.org" allowed
    std::vector<std::string> allowed_origins;  // besides the built-in ones; '*' is a wildcard
    std::string machine_name;                  // the machine's own host name
};

bool is_host_allowed(OriginPolicy const& policy, std::string_view host);

struct OriginDecision {
    bool allowed = true;
    bool cors = false;  // add Access-Control-Allow-Origin to the answer
};

OriginDecision check_origin(OriginPolicy const& policy, RequestHead const& head);

// The answer to a preflight; nullopt: not one. `allow` is the methods of the path ("POST"), empty
// if unknown.
std::optional<Reply> preflight_reply(RequestHead const& head, std::string_view allow);
void add_cors(Fields& answer, std::string_view origin);

}  // namespace plimsoll::http
