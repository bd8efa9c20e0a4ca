#include "app/server_certificate.hpp"

#include <plimsoll/log/log.hpp>

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

#include <utility>

namespace plimsoll::app {
namespace {

constexpr log::Logger kLog("tls");
constexpr int kSoonDays = 14;

// Changes when a file is written, or another is put in its place.
std::string looks_of(std::string const& file) {
    struct stat found{};
    if (::stat(file.c_str(), &found) != 0) {
        return "absent";
    }
    return fmt::format(
        "{}:{}:{}.{}", found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec
    );
}

std::string looks_of(net::TlsServerFiles const& files) {
    return looks_of(files.certificate) + " " + looks_of(files.key);
}

void tell(net::TlsContext const& context) {
    auto const facts = net::certificate_facts(context);
    kLog.info(
        "Certificate in force",
        {{"names", facts.names},
         {"expires", facts.expires},
         {"days_left", std::int64_t{facts.days_left}}}
    );
    if (facts.days_left < 0) {
        kLog.warning("The certificate has expired: clients will refuse it; renew it");
    } else if (facts.days_left < kSoonDays) {
        kLog.warning(
            "The certificate expires soon: renew it", {{"days_left", std::int64_t{facts.days_left}}}
        );
    }
}

}  // namespace

ServerCertificate::ServerCertificate(net::Loop& loop, std::function<void()> on_change)
    : loop_(loop), on_change_(std::move(on_change)), timer_(loop, false) {}

Result<void> ServerCertificate::load(config::ServerTls const& settings) {
    settings_ = settings;
    if (!settings_.files.is_set()) {
        return {};
    }
    seen_ = looks_of(settings_.files);
    auto made = net::make_server_tls(settings_.files);
    if (!made) {
        return fail(std::move(made).error());
    }
    context_ = std::move(*made);
    tell(*context_);
    watch();
    return {};
}

void ServerCertificate::reload(config::ServerTls const& settings) {
    settings_ = settings;
    if (settings_.files.is_set()) {
        read_again();
        watch();
    }
}

void ServerCertificate::read_again() {
    seen_ = looks_of(settings_.files);
    auto made = net::make_server_tls(settings_.files);
    if (!made) {
        kLog.error("Certificate not reloaded, the old one stays in force: " + made.error().message);
        return;
    }
    context_ = std::move(*made);
    tell(*context_);
    on_change_();
}

void ServerCertificate::watch() {
    timer_.cancel();
    if (settings_.check_interval <= Duration::zero()) {
        return;
    }
    timer_.arm(loop_.now() + settings_.check_interval, [this] {
        if (looks_of(settings_.files) != seen_) {
            read_again();
        }
        watch();
    });
}

}  // namespace plimsoll::app
