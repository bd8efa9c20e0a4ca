#pragma once
// One answer of a model, whatever API asked for it: get a runner, get a slot, say the pieces at the
// right speed, in the words of a dialect. Loop thread only.

#include "sim/answer.hpp"
#include "sim/request.hpp"
#include "sim/session.hpp"

#include <optional>
#include <string>

namespace plimsoll::sim {

struct Inference {
    Asked asked;
    RunnerOptions options;
    std::optional<Duration> keep_alive;
    bool stream = false;
    bool is_preload = false;
    Question question;
    Refused after_load{0, {}};  // status not 0: refused once the model is loaded
};

struct Stats {
    Duration total{}, load{}, prompt{}, eval{};
    std::size_t prompt_tokens = 0;
    std::size_t tokens = 0;
    std::string done_reason;
};

// How an API words the parts of an answer. Its texts are whole events: one flush each.
class Dialect {
  public:
    virtual ~Dialect() = default;

    [[nodiscard]] virtual std::string_view stream_type() const = 0;
    [[nodiscard]] virtual std::string_view whole_type() const = 0;

    [[nodiscard]] virtual bool has_event_stream_fields() const { return false; }

    // Before the first piece; may be empty.
    virtual std::string begin(Stats const& stats) = 0;
    virtual std::string piece(Piece const& piece, std::size_t index) = 0;
    virtual std::string end(Stats const& stats) = 0;
    virtual std::string whole(Answer const& answer, Stats const& stats) = 0;
    virtual std::string preloaded(Stats const& stats, std::string_view reason) = 0;
    virtual std::string error(unsigned status, std::string_view text) = 0;
    // What comes after the last piece when the runner dies in the middle; may be empty.
    virtual std::string broken(std::string_view text) = 0;

    [[nodiscard]] virtual std::string_view error_type() const { return whole_type(); }
};

// The answer is complete, or the connection gone, when this returns.
net::Task<void> infer(Session& session, Inference inference, Dialect& dialect);

// A runner for one request, with the faults of loading; the books count the request.
net::Task<OrRefused<Lease>> get_runner(
    Session& session, ModelPtr model, RunnerOptions options, std::optional<Duration> keep_alive
);

}  // namespace plimsoll::sim
