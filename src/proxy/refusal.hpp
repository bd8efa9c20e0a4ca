#pragma once
// A refusal in the upstream's own words: the status and sentence it would have answered with,
// before the shape of the called API is put around it. Value type.

#include <expected>
#include <string>

namespace plimsoll::proxy {

struct ClientError {
    unsigned status = 400;
    std::string text;
    // On /v1 the upstream's decoding layer and the handler behind it write different content types.
    bool is_of_decoder = false;
};

template <class T>
using Checked = std::expected<T, ClientError>;

inline std::unexpected<ClientError> refuse(unsigned status, std::string text) {
    return std::unexpected<ClientError>(std::in_place, status, std::move(text));
}

}  // namespace plimsoll::proxy
