#pragma once
// One request and its answer as the simulated server frames it: a length up to 2 KiB and chunks
// above, CORS, and the faults that concern bytes. Lives as long as its handler.

#include "sim/world.hpp"

#include <plimsoll/http/head.hpp>
#include <plimsoll/net/server.hpp>

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::sim {

class Session {
  public:
    Session(World& world, net::Exchange& exchange);
    ~Session();
    Session(Session const&) = delete;
    Session& operator=(Session const&) = delete;

    // Fires when the client has gone or the connection is cut.
    [[nodiscard]] net::Canceller& canceller() { return canceller_; }

    [[nodiscard]] net::Exchange& exchange() { return *exchange_; }

    [[nodiscard]] std::string const& path() const { return exchange_->head().path; }

    [[nodiscard]] World& world() { return *world_; }

    net::Task<void> reply(unsigned status, std::string_view content_type, std::string body);
    // As the native routes answer: with charset, without a newline.
    net::Task<void> json(unsigned status, boost::json::value const& body);
    net::Task<void> error(unsigned status, std::string_view text);

    net::Task<bool> begin_stream(std::string_view content_type, bool event_stream_fields = false);
    // One flush. False: the client has gone.
    net::Task<bool> write(std::string_view bytes);
    net::Task<void> end_stream();
    // Breaks the connection in the middle of whatever is being said.
    void cut();

    [[nodiscard]] bool is_cut() const { return is_cut_; }

    net::Task<void> garbage();

    void add_field(std::string_view name, std::string_view value) { extra_.add(name, value); }

    void drip(Duration each) { drip_ = each; }

    void write_single_bytes() { single_bytes_ = true; }

  private:
    [[nodiscard]] http::Fields fields(std::string_view content_type) const;
    net::Task<bool> put(std::string_view bytes);
    net::Task<bool> put_raw(std::string_view bytes);

    World* world_;
    net::Exchange* exchange_;
    net::Canceller canceller_;
    net::Canceller::Registration client_;
    http::Fields extra_;
    std::optional<Duration> drip_;
    bool single_bytes_ = false;
    bool is_cut_ = false;
};

}  // namespace plimsoll::sim
