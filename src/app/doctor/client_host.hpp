#pragma once
// $OLLAMA_HOST as Ollama's own clients read it. Pure.

#include <cstdint>
#include <string>
#include <string_view>

namespace plimsoll::app::doctor {

struct ClientHost {
    std::string host = "127.0.0.1";
    std::uint16_t port = 11434;
};

// "127.0.0.1:11435", "http://gpu-box", ":8080", "[::1]:11434", "": what is missing is the default;
// without a port http means 80 and https 443. What is no port counts as the default, as there.
ClientHost parse_client_host(std::string_view text);

// The way back: "127.0.0.1:11434", "[::1]:11434".
std::string to_string(ClientHost const& host);

}  // namespace plimsoll::app::doctor
