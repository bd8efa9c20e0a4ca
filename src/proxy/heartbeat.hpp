#pragma once
// A client whose streamed request waits in the queue is told that it is not forgotten: its answer's
// head goes out ahead of time, then signs of life. From then on the answer can only be the rest of
// that stream (call.hpp). Loop thread only.

#include "proxy/call.hpp"
#include "proxy/inference.hpp"

#include <plimsoll/engine/engine.hpp>

namespace plimsoll::proxy {

// Asks the engine to have `call` told every `interval` that it waits; zero: never. Nothing for
// requests that do not stream. The call must outlive the acquiring.
void beat_while_waiting(
    Call& call, Inference const& request, Duration interval, engine::AcquireRequest& out
);

}  // namespace plimsoll::proxy
