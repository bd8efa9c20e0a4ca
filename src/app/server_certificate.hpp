#pragma once
// The certificate of the listeners: loaded at the start, and looked at again on SIGHUP and from
// time to time. A pair that cannot be used is named in the log, and the one in force stays. Loop
// thread only.

#include <plimsoll/config/config.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/tls.hpp>

#include <functional>
#include <memory>
#include <string>

namespace plimsoll::app {

class ServerCertificate {
  public:
    // `on_change`: another certificate is in force for new connections.
    ServerCertificate(net::Loop& loop, std::function<void()> on_change);

    // At the start. Error Invalid: the file and what is wrong with it.
    Result<void> load(config::ServerTls const& settings);
    // Reads the files again, whether they look changed or not.
    void reload(config::ServerTls const& settings);

    // Null: there is no TLS.
    [[nodiscard]] std::shared_ptr<net::TlsContext const> context() const { return context_; }

  private:
    void read_again();
    void watch();

    net::Loop& loop_;
    std::function<void()> on_change_;
    config::ServerTls settings_;
    std::shared_ptr<net::TlsContext const> context_;
    std::string seen_;  // how the files looked when they were read last
    net::Timer timer_;
};

}  // namespace plimsoll::app
