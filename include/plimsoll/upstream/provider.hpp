#pragma once
// What Plimsoll needs from a kind of model server, and the registry by which a kind is found. A
// provider knows its server's protocol and nothing of budgets or queues. Loop thread only.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>
#include <plimsoll/core/types.hpp>
#include <plimsoll/memory/geometry.hpp>
#include <plimsoll/net/client.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/tls.hpp>
#include <plimsoll/net/wait.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::upstream {

struct UpstreamConfig {
    std::string name = "ollama";
    std::string provider = "ollama";
    std::string url = "http://127.0.0.1:11434";
    net::TlsClientSettings tls;                   // of an https url
    Duration timeout = std::chrono::seconds(30);  // show, ps, version, unload
    unsigned max_retries = 3;                     // of idempotent calls, with exponential back-off
    Duration retry_first = std::chrono::milliseconds(100);
    Duration load_timeout = std::chrono::minutes(5);     // without a sign of progress
    Duration stream_first = std::chrono::minutes(30);    // to a stream's first chunk
    Duration stream_idle = std::chrono::minutes(5);      // between chunks
    Duration answer_timeout = std::chrono::minutes(60);  // an answer that is not streamed
    Duration connect_timeout = std::chrono::seconds(2);
    Duration health_interval = std::chrono::minutes(5);  // while up
    Duration health_retry =
        std::chrono::seconds(1);  // while down: first back-off, up to 2 s, with jitter
    std::string api_key;          // sent with every request as Authorization: Bearer; empty: none
};

// One stored model, as far as scheduling cares.
struct ModelInfo {
    std::string name;     // shortest form, stored spelling
    std::string digest;   // of the manifest, 64 hex; may be empty
    std::string weights;  // hash of the weights blob, the key of an instance; for safetensors the
                          // manifest digest
    Bytes file_size;      // of all blobs
    std::string format;   // "gguf", "safetensors", ""
    std::vector<std::string> capabilities;
    bool is_remote = false;  // a remote stub or cloud name: no VRAM
    memory::Geometry geometry;
    core::RunnerOptions options;                      // defaults of the Modelfile
    std::optional<std::uint32_t> num_ctx, num_batch;  // of the Modelfile

    [[nodiscard]] bool can(std::string_view capability) const;
};

struct LoadedRow {
    std::string model;  // as listed
    std::string digest;
    Bytes size, size_vram;
    std::uint32_t num_ctx = 0;
    std::string expires_at;  // raw text of the upstream
    std::string raw;         // the row's JSON, for the answer to GET /api/ps
};

struct LoadRequest {
    std::string model;
    core::Form form = core::Form::Pinned;
    core::RunnerSettings settings;
    bool is_embedding_only = false;  // preloaded through the embedding route
    Duration keep_alive = std::chrono::hours(24);
};

// Failure of a load with its class, so that the scheduler can decide about a retry.
struct LoadError {
    core::LoadFailure failure = core::LoadFailure::Refused;
    std::string text;
};

struct Health {
    bool ok = false;
    std::string version;
    std::string text;  // why not
    bool is_refused =
        false;  // nobody listens: the process is gone, and with it all that it had loaded
};

// What a server of this kind can do; the engine asks before it relies on something.
struct Capabilities {
    bool lists_loading_models = false;  // Ollama: a model being loaded is in no list
    bool closing_aborts_load = true;
    bool reports_sizes = true;
    bool has_keep_alive = true;
};

class Provider {
  public:
    virtual ~Provider() = default;

    [[nodiscard]] virtual UpstreamConfig const& config() const = 0;
    [[nodiscard]] virtual Capabilities capabilities() const = 0;
    // The connection pool, for requests that are forwarded.
    [[nodiscard]] virtual net::Client& client() = 0;

    virtual net::Task<Health> health() = 0;
    virtual net::Task<Result<std::vector<LoadedRow>>> list_loaded() = 0;
    virtual net::Task<Result<bool>> is_loaded(std::string model) = 0;
    // Over a connection of our own. Ends when the model is ready; cancelling closes the connection.
    virtual net::Task<std::expected<void, LoadError>> load(
        LoadRequest request, net::Canceller& canceller
    ) = 0;
    // Sends the wish to unload; whether it happened is seen in list_loaded().
    virtual net::Task<Result<void>> unload(std::string model) = 0;
    // Sets the remaining keep-alive of an idle loaded model (handing it back when the daemon
    // stops).
    virtual net::Task<Result<void>> hand_back(
        std::string model, LoadRequest as_loaded, Duration keep_alive
    ) = 0;
    // Errors: NotFound with the upstream's sentence; what list and show cannot tell is left empty.
    virtual net::Task<Result<ModelInfo>> model_info(std::string model) = 0;
    // Cheap check whether `info` is still what is stored under its name. Default of providers
    // without digests: true.
    virtual net::Task<Result<bool>> is_current(ModelInfo const& info) = 0;
};

// Kinds of servers by name. A new kind registers here and nowhere else.
class Registry {
  public:
    using Make =
        std::function<Result<std::unique_ptr<Provider>>(net::Loop&, UpstreamConfig const&)>;

    void add(std::string kind, Make make);
    // Error Invalid: unknown kind, with the known ones.
    Result<std::unique_ptr<Provider>> make(net::Loop& loop, UpstreamConfig const& config) const;

  private:
    std::map<std::string, Make, std::less<>> kinds_;
};

// Adds every provider that this build has.
void register_builtin(Registry& registry);

// "http://host:port" or "https://host:port" to its parts. Error Invalid: another scheme, a path, no
// host.
struct Url {
    std::string host;
    std::uint16_t port = 80;  // 443 of https without one
    bool is_tls = false;
};

Result<Url> parse_url(std::string_view text);

}  // namespace plimsoll::upstream
