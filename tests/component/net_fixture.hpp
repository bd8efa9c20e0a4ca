#pragma once
// Real loopback sockets whose every byte the test decides, and a loop that is polled on the test's
// thread.

#include <plimsoll/net/client.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/server.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::test {

// Polls the loop until `done`, for at most five real seconds; false when it never came.
bool pump(net::Loop& loop, std::function<bool()> const& done);
// Polls for a short while, for what must not happen.
void settle(net::Loop& loop);

// One end of a connection, never blocking.
class Raw {
  public:
    static std::unique_ptr<Raw> connect(std::uint16_t port);
    explicit Raw(int fd);
    ~Raw();
    Raw(Raw const&) = delete;
    Raw& operator=(Raw const&) = delete;

    // As much as the socket takes; how much that was.
    std::size_t send(std::string_view bytes);
    // Takes in what has come; all of it so far is in text().
    void receive();
    [[nodiscard]] std::string const& text();
    [[nodiscard]] bool has(std::string_view part);
    [[nodiscard]] bool has_ended();  // by FIN or reset
    [[nodiscard]] bool was_reset();
    std::string take();  // text so far, forgotten
    void stop_sending();
    void close();
    void reset();
    void shrink_window();  // before any data: a small receive buffer
    // How much a sender that nobody reads can push.
    std::size_t send_until_full(std::size_t at_most);

  private:
    int fd_;
    std::string text_;
    bool ended_ = false;
    bool reset_ = false;
};

// Listens on a free port; the test plays the server.
class RawServer {
  public:
    RawServer();
    ~RawServer();
    RawServer(RawServer const&) = delete;
    RawServer& operator=(RawServer const&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    // The next connection, null if none came yet.
    std::unique_ptr<Raw> accept();
    // The same as a descriptor, -1 if none came yet.
    int accept_fd();
    void close();

  private:
    int fd_;
    std::uint16_t port_ = 0;
};

// A server with a handler, on the manual clock.
struct ServerFixture {
    explicit ServerFixture(net::Handler handler, net::ServerConfig config = {});

    std::unique_ptr<Raw> connect() { return Raw::connect(server.port()); }

    bool pump(std::function<bool()> const& done) { return test::pump(loop, done); }

    // Sends and polls until `part` has come back.
    bool exchange(Raw& peer, std::string_view request, std::string_view part);

    net::Loop loop{net::ClockMode::Manual};
    net::Server server;
};

// What became of a request.
struct Outcome {
    std::optional<Result<void>> sent;  // of send()
    unsigned status = 0;
    std::string body;
    std::vector<std::string> pieces;
    std::optional<Result<void>> read;  // of the body
    net::Canceller canceller;

    [[nodiscard]] bool is_done() const { return read.has_value() || (sent && !*sent); }

    // The code of whichever failed.
    [[nodiscard]] std::optional<Errc> failure() const;
};

// Sends it and reads its whole answer.
std::shared_ptr<Outcome> start_request(
    net::Loop& loop, net::Client& client, net::ClientRequest request
);

// A client in front of a server that the test plays, on the manual clock.
struct ClientFixture {
    ClientFixture();
    ~ClientFixture();

    using Outcome = test::Outcome;

    std::shared_ptr<Outcome> start(net::ClientRequest request);
    std::shared_ptr<Outcome> get(std::string target = "/");
    // The connection that the client opens.
    std::unique_ptr<Raw> accept();

    bool pump(std::function<bool()> const& done) { return test::pump(loop, done); }

    // Answers and polls until the outcome is done.
    bool answer(Raw& peer, std::string_view bytes, Outcome const& outcome);

    net::Loop loop{net::ClockMode::Manual};
    RawServer upstream;
    net::Client client;
};

}  // namespace plimsoll::test
