#include "app/doctor/ask.hpp"

#include "app/control_client.hpp"
#include "app/json_view.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/net/client.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/upstream/client_config.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <boost/json/parse.hpp>

#include <utility>

namespace plimsoll::app::doctor {
namespace {

constexpr Duration kPatience = std::chrono::seconds(5);
constexpr std::size_t kMostAnswer = 8UL << 20;  // bytes

struct Page {
    unsigned status = 0;
    boost::json::value body;  // null: no JSON
};

net::Task<Result<Page>> fetch(net::Client& client, std::string path) {
    net::ClientRequest request;
    request.target = std::move(path);
    request.head_timeout = kPatience;
    auto response = co_await client.send(request, nullptr);
    if (!response) {
        co_return fail(std::move(response).error());
    }
    Page page;
    page.status = response->head().status;
    auto const text = co_await response->read_all(kMostAnswer, kPatience, nullptr);
    if (!text) {
        co_return fail(text.error());
    }
    boost::system::error_code error;
    auto value = boost::json::parse(*text, error);
    page.body = error ? boost::json::value() : std::move(value);
    co_return page;
}

std::vector<LoadedModel> rows_of(boost::json::value const& answer) {
    std::vector<LoadedModel> out;
    for (auto const& row : JsonView(answer)["models"].items()) {
        bool const is_of_server = row["size"].exists();
        auto const size = is_of_server ? row["size"].count() : row["charge_bytes"].count();
        out.push_back({row["name"].text(), Bytes(size), row["foreign"].is_true()});
    }
    return out;
}

// A server is there, but not one that we may speak to.
bool is_of_tls(Error const& error) {
    return error.cause == std::errc::protocol_error;
}

net::Task<void> ask(net::Client& client, Answer& out) {
    auto const health = co_await fetch(client, "/healthz");
    if (!health) {
        out.error = health.error().message;
        out.is_tls_failure = is_of_tls(health.error());
        // What answers with something else than HTTP does answer.
        out.connected = health.error().code != Errc::UpstreamUnavailable;
        client.drop_idle();
        co_return;
    }
    out.connected = true;
    JsonView const said(health->body);
    out.is_plimsoll =
        health->status == 200 && said["status"].text() == "ok" && !said["version"].text().empty();
    auto const version = co_await fetch(client, "/api/version");
    if (version) {
        out.version_status = version->status;
        out.version = version->status == 200 ? JsonView(version->body)["version"].text() : "";
    }
    if (!out.version.empty()) {
        auto const loaded = co_await fetch(client, "/api/ps");
        if (loaded) {
            out.loaded = rows_of(loaded->body);
        }
    }
    client.drop_idle();
}

}  // namespace

Answer ask_server(
    std::string const& url, net::TlsClientSettings const& tls, std::string const& api_key
) {
    Answer out;
    auto const parts = upstream::parse_url(url);
    if (!parts) {
        out.error = parts.error().message;
        return out;
    }
    auto config = upstream::make_client_config(*parts, tls, url);
    if (!config) {
        out.error = config.error().message;
        out.is_tls_failure = true;
        return out;
    }
    if (!api_key.empty()) {
        config->authorization = "Bearer " + api_key;
    }
    net::Loop loop;
    net::Client client(loop, std::move(*config));
    loop.spawn("ask", ask(client, out));
    loop.run();
    return out;
}

DaemonAnswer ask_daemon(std::string const& url, std::string const& key_file) {
    DaemonAnswer out;
    auto& facts = out.facts;
    facts.url = url;
    auto client = ControlClient::make(url, key_file);
    if (!client) {
        facts.why = client.error().message;
        return out;
    }
    auto status = client->call(http::Method::Get, "/plimsoll/v1/status", {});
    if (!status && is_of_tls(status.error())) {
        facts.is_tls_failure = true;
        facts.why = status.error().message;
        return out;
    }
    if (!status) {
        bool const is_nobody = status.error().code == Errc::UpstreamUnavailable;
        facts.is_ours = is_nobody;
        facts.why = is_nobody ? "nothing listens there" : status.error().message;
        return out;
    }
    JsonView const view(status->body);
    if (status->status == 401 || status->status == 403) {
        facts.refuses = true;
        facts.why = ControlClient::sentence_of(*status);
        return out;
    }
    if (status->status != 200 || view["version"].text().empty() || !view["upstreams"].exists()) {
        facts.is_ours = false;
        facts.why = "GET /plimsoll/v1/status gives status " + std::to_string(status->status);
        return out;
    }
    facts.runs = true;
    facts.version = view["version"].text();
    facts.ready = view["ready"].is_true();
    facts.draining = view["draining"].is_true();
    facts.enabled = !view["enabled"].exists() || view["enabled"].is_true();
    for (auto const& upstream : view["upstreams"].items()) {
        facts.violations += upstream["counters"]["violations"].count();
    }
    if (auto const models = client->get("/plimsoll/v1/models")) {
        facts.models = rows_of(*models);
    }
    out.status = std::move(status->body);
    return out;
}

}  // namespace plimsoll::app::doctor
