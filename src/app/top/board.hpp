#pragma once
// What `plimsoll top` knows, out of the daemon's JSON, as rows to be shown. Pure: no terminal, no
// network.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/time.hpp>

#include <boost/json/value.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::app::top {

struct CardRow {
    std::string name;
    Bytes charged, budget;
};

struct UpstreamRow {
    std::string name, kind, url, why;  // kind: "ollama 0.12.3"
    bool is_up = false;
    Bytes charged, budget, peak;
    std::vector<CardRow> cards;  // empty: one sum
    std::uint64_t loads = 0, evictions = 0, refused = 0;
};

struct ModelRow {
    std::string name, upstream, state;
    Bytes charge;
    std::optional<std::uint64_t> context;
    std::uint64_t users = 0, waiting = 0;
    std::optional<Duration> idle;        // since its last use; nullopt: in use, or never used
    std::optional<Duration> expires_in;  // nullopt: never
    Duration in_state{};
    bool is_pinned = false, is_foreign = false;
};

// Who waits for one model.
struct QueueRow {
    std::string model, upstream, why;
    std::uint64_t requests = 0, overdue = 0;
    Duration longest{};
    std::optional<Duration> still;  // until the first of them is served
};

struct RunRow {
    std::string id, chain, status;
    Duration took{};
    std::uint64_t loads = 0;
    std::string last_step{};  // of a run that goes on: the last one that has ended; empty: none has
};

struct Decision {
    std::uint64_t sequence = 0;
    std::string upstream, kind, model, text;
    std::optional<TimePoint> at;  // nullopt: not known
};

// How the daemon is reached.
enum class Link : std::uint8_t { Connecting, Live, Lost };

class Board {
  public:
    void take_status(boost::json::value const& status);
    void take_models(boost::json::value const& models);
    void take_queue(boost::json::value const& queue);
    void take_runs(boost::json::value const& runs);
    // The details of one of those.
    void take_run(boost::json::value const& run);
    // Data of one event of /plimsoll/v1/events; `kind` its name. One that is known is left out.
    void take_event(
        std::string_view kind, boost::json::value const& event, std::optional<TimePoint> at
    );
    // `why`: of a link that is lost.
    void set_link(Link link, std::string why, TimePoint now);

    [[nodiscard]] Link link() const { return link_; }

    [[nodiscard]] std::string const& why_lost() const { return why_lost_; }

    // When it was lost.
    [[nodiscard]] TimePoint lost_at() const { return lost_at_; }

    // False until the daemon has answered once.
    [[nodiscard]] bool has_answers() const { return has_status_; }

    [[nodiscard]] std::string const& version() const { return version_; }

    // Empty; or that the daemon is no scheduler now: "management is off", "ending".
    [[nodiscard]] std::string const& remark() const { return remark_; }

    [[nodiscard]] std::vector<UpstreamRow> const& upstreams() const { return upstreams_; }

    [[nodiscard]] std::vector<ModelRow> const& models() const { return models_; }

    [[nodiscard]] std::vector<QueueRow> const& queue() const { return queue_; }

    [[nodiscard]] std::vector<RunRow> const& runs() const { return runs_; }

    // The newest last; at most kKept.
    [[nodiscard]] std::deque<Decision> const& decisions() const { return decisions_; }

    static constexpr std::size_t kKept = 500;

  private:
    bool has_status_ = false;
    Link link_ = Link::Connecting;
    TimePoint lost_at_{};
    std::optional<double> clock_;  // the daemon's, seconds since 1970, when it was asked last
    std::string why_lost_, version_, remark_;
    std::vector<UpstreamRow> upstreams_;
    std::vector<ModelRow> models_;
    std::vector<QueueRow> queue_;
    std::vector<RunRow> runs_;
    std::deque<Decision> decisions_;
};

}  // namespace plimsoll::app::top
