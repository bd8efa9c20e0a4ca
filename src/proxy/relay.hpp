#pragma once
// Passing an upstream's answer on: head, then piece by piece, one read upstream being one write
// downstream. Loop thread only.

#include "proxy/call.hpp"
#include "proxy/stream_watch.hpp"

#include <plimsoll/net/client.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <cstdint>
#include <string>

namespace plimsoll::proxy {

struct RelayTimes {
    Duration head{};   // to the answer's head
    Duration first{};  // from the head to the first piece
    Duration idle{};   // between pieces
};

RelayTimes stream_times(upstream::UpstreamConfig const& config);
RelayTimes answer_times(upstream::UpstreamConfig const& config
);  // answers that come at once when they are ready
RelayTimes quick_times(upstream::UpstreamConfig const& config);  // show, tags, version

struct RelayResult {
    enum class End : std::uint8_t {
        Complete,  // finish() is still to be called
        ClientGone,
        UpstreamLost,  // the client's connection was cut, so that it sees the truncation
    };
    End end = End::Complete;
    Smell smell = Smell::None;
    bool is_mark_missing = false;
    std::string text;  // UpstreamLost: why
};

// Everything but the end of the message: the caller gives its lease back first, then calls
// Exchange::finish().
net::Task<RelayResult> relay_answer(
    Call& call, net::ClientResponse& response, RelayTimes const& times, bool is_stream
);

}  // namespace plimsoll::proxy
