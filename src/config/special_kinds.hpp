#pragma once
// Settings with a syntax of their own.

#include "config/kinds.hpp"

namespace plimsoll::config {

// "127.0.0.1:11435", "[::1]:11435", "localhost:0", "unix:/run/plimsoll.sock"
Kind listen_address(std::string& address, std::uint16_t& port);
// The same, or "": none.
Kind optional_listen_address(std::string& address, std::uint16_t& port);
// "22GiB", "90%", "auto"
Kind budget(Budget& out);
// "http://host:port", "https://host:port"
Kind http_url(std::string& out);
// A duration, or -1 or "forever".
Kind keep_alive(Duration& out, bool& forever);
// A duration, or 0: off.
Kind pause(Duration& out, Duration least, Duration most);
// A number of tokens, or "auto": learned from the upstream.
Kind default_num_ctx(std::uint32_t& out, bool& is_known);
// A number of tokens, or "client".
Kind context_policy(engine::ModelPolicy& out);

// Host and port of an http_url() that was read.
struct Authority {
    std::string host;
    std::uint16_t port = 0;
};

std::optional<Authority> authority_of(std::string_view url);

// For text(): what the grammar of each is.
std::optional<std::string> check_path(std::string_view text);
std::optional<std::string> check_upstream_name(std::string_view text);
std::optional<std::string> check_host_pattern(std::string_view text);
std::optional<std::string> check_origin_pattern(std::string_view text);
std::optional<std::string> check_cut_option(std::string_view text);

}  // namespace plimsoll::config
