#include "upstream/ollama.hpp"

#include "upstream/load_error.hpp"
#include "upstream/ollama_body.hpp"
#include "upstream/ollama_json.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/base/text.hpp>
#include <plimsoll/upstream/client_config.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

namespace plimsoll::upstream {
namespace {

constexpr std::size_t kMaxAnswer =
    64U << 20U;  // a verbose description with a large vocabulary is 10 MB
constexpr Duration kRetryLast = std::chrono::seconds(5);

struct Call {
    Call(http::Method m, std::string t, std::string b, Duration limit)
        : method(m), target(std::move(t)), body(std::move(b)), timeout(limit) {}

    http::Method method;
    std::string target;
    std::string body;
    Duration timeout;
};

struct Answer {
    unsigned status = 0;
    std::string body;
};

bool is_success(Answer const& answer) {
    return answer.status >= 200 && answer.status < 300;
}

// Worth another try: nothing, or nothing useful, came back, and that may change within a second.
bool is_passing(Result<Answer> const& answer) {
    if (answer) {
        return answer->status == 502 || answer->status == 503 || answer->status == 504;
    }
    return answer.error().code == Errc::UpstreamUnavailable ||
           answer.error().code == Errc::ConnectionClosed;
}

Errc code_of(unsigned status) {
    switch (status) {
        case 400:
            return Errc::BadRequest;
        case 403:
            return Errc::Forbidden;
        case 404:
            return Errc::NotFound;
        default:
            return Errc::UpstreamFailed;
    }
}

Error error_of(Answer const& answer) {
    return {code_of(answer.status), error_text(answer.body), ErrorSource::Upstream};
}

// What goes on the wire for a name: the shortest form. A name that we cannot read goes as it is, so
// that the upstream refuses it in its own words.
std::string wire_name(std::string const& model) {
    auto const name = ModelName::parse(model);
    return name ? name->short_name() : model;
}

StoredModel const* find_stored(std::vector<StoredModel> const& models, std::string const& model) {
    auto const wanted = ModelName::parse(model);
    if (!wanted) {
        return nullptr;
    }
    auto const key = wanted->key();
    auto const found = std::ranges::find_if(models, [&](StoredModel const& stored) {
        auto const name = ModelName::parse(stored.name);
        return name && name->key() == key;
    });
    return found == models.end() ? nullptr : &*found;
}

class Ollama final : public Provider {
  public:
    Ollama(net::Loop& loop, UpstreamConfig config, net::ClientConfig client)
        : loop_(loop), config_(std::move(config)), client_(loop, std::move(client)) {}

    [[nodiscard]] UpstreamConfig const& config() const override { return config_; }

    [[nodiscard]] Capabilities capabilities() const override { return {}; }

    [[nodiscard]] net::Client& client() override { return client_; }

    net::Task<Health> health() override;
    net::Task<Result<std::vector<LoadedRow>>> list_loaded() override;
    net::Task<Result<bool>> is_loaded(std::string model) override;
    net::Task<std::expected<void, LoadError>> load(LoadRequest request, net::Canceller& canceller)
        override;
    net::Task<Result<void>> unload(std::string model) override;
    net::Task<Result<void>> hand_back(std::string model, LoadRequest as_loaded, Duration keep_alive)
        override;
    net::Task<Result<ModelInfo>> model_info(std::string model) override;
    net::Task<Result<bool>> is_current(ModelInfo const& info) override;

  private:
    net::Task<Result<Answer>> once(Call const& call, net::Canceller* canceller);
    net::Task<Result<Answer>> with_retries(Call call);
    net::Task<Result<std::vector<StoredModel>>> stored();

    net::Loop& loop_;
    UpstreamConfig config_;
    net::Client client_;
    std::uint64_t calls_ = 0;
};

net::Task<Result<Answer>> Ollama::once(Call const& call, net::Canceller* canceller) {
    std::array<std::string_view, 1> const pieces = {call.body};
    net::ClientRequest request;
    request.method = call.method;
    request.target = call.target;
    request.head_timeout = call.timeout;
    if (call.method == http::Method::Post) {
        request.fields.add("Content-Type", "application/json");
        request.pieces = pieces;
        request.has_body = true;
    }
    auto response = co_await client_.send(request, canceller);
    if (!response) {
        co_return fail(std::move(response.error()).context(call.target));
    }
    auto body = co_await response->read_all(kMaxAnswer, call.timeout, canceller);
    if (!body) {
        co_return fail(std::move(body.error()).context(call.target));
    }
    co_return Answer{.status = response->head().status, .body = std::move(*body)};
}

net::Task<Result<Answer>> Ollama::with_retries(Call call) {
    net::Backoff backoff(config_.retry_first, kRetryLast, ++calls_);
    for (unsigned attempt = 0;; ++attempt) {
        auto answer = co_await once(call, nullptr);
        if (attempt >= config_.max_retries || !is_passing(answer)) {
            co_return answer;
        }
        auto const pause = co_await net::sleep_until(loop_, loop_.now() + backoff.next());
        if (!pause) {
            co_return answer;
        }
    }
}

net::Task<Health> Ollama::health() {
    Call const call(http::Method::Get, "/api/version", {}, config_.timeout);
    auto const answer = co_await once(call, nullptr);
    if (!answer) {
        co_return Health{
            .ok = false,
            .version = {},
            .text = fmt::format("{} does not answer: {}", config_.url, answer.error().message),
            .is_refused = answer.error().code == Errc::UpstreamUnavailable,
        };
    }
    if (!is_success(*answer)) {
        co_return Health{
            .ok = false,
            .version = {},
            .text = fmt::format("{} answered {} to /api/version", config_.url, answer->status),
        };
    }
    auto const version = read_version(answer->body);
    if (!version) {
        co_return Health{.ok = false, .version = {}, .text = version.error().message};
    }
    co_return Health{.ok = true, .version = *version, .text = {}};
}

net::Task<Result<std::vector<LoadedRow>>> Ollama::list_loaded() {
    auto const answer =
        co_await with_retries(Call(http::Method::Get, "/api/ps", {}, config_.timeout));
    if (!answer) {
        co_return fail(answer.error());
    }
    if (!is_success(*answer)) {
        co_return fail(error_of(*answer).context("/api/ps"));
    }
    co_return read_ps(answer->body);
}

net::Task<Result<bool>> Ollama::is_loaded(std::string model) {
    auto const wanted = ModelName::parse(model);
    if (!wanted) {
        co_return fail(wanted.error());
    }
    auto const key = wanted->key();
    auto const rows = co_await list_loaded();
    if (!rows) {
        co_return fail(rows.error());
    }
    co_return std::ranges::any_of(*rows, [&](LoadedRow const& row) {
        auto const name = ModelName::parse(row.model);
        return name && name->key() == key;
    });
}

net::Task<std::expected<void, LoadError>> Ollama::load(
    LoadRequest request, net::Canceller& canceller
) {
    // Not retried here: a load that was refused or lost is the scheduler's decision. Its time-out
    // is one of stalling; Ollama gives no sign of progress between request and answer, so the whole
    // wait counts.
    Call const call(
        http::Method::Post,
        request.is_embedding_only ? "/api/embed" : "/api/generate",
        load_body(request),
        config_.load_timeout
    );
    auto const answer = co_await once(call, &canceller);
    if (canceller.is_cancelled()) {
        co_return std::unexpected(
            LoadError{.failure = core::LoadFailure::Aborted, .text = "given up"}
        );
    }
    if (!answer) {
        co_return std::unexpected(classify_failure(answer.error()));
    }
    if (!is_success(*answer) || has_error_member(answer->body)) {
        co_return std::unexpected(classify_answer(answer->status, error_text(answer->body)));
    }
    co_return std::expected<void, LoadError>{};
}

net::Task<Result<void>> Ollama::unload(std::string model) {
    // Through generate for every kind of model: it looks at keep_alive before it looks at
    // capabilities.
    auto const answer = co_await with_retries(
        Call(http::Method::Post, "/api/generate", unload_body(wire_name(model)), config_.timeout)
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    if (!is_success(*answer)) {
        co_return fail(error_of(*answer));
    }
    co_return Result<void>{};
}

net::Task<Result<void>> Ollama::hand_back(
    std::string model, LoadRequest as_loaded, Duration keep_alive
) {
    as_loaded.model = std::move(model);
    as_loaded.keep_alive = keep_alive;
    auto const answer = co_await with_retries(Call(
        http::Method::Post,
        as_loaded.is_embedding_only ? "/api/embed" : "/api/generate",
        load_body(as_loaded),
        config_.timeout
    ));
    if (!answer) {
        co_return fail(answer.error());
    }
    if (!is_success(*answer)) {
        co_return fail(error_of(*answer));
    }
    co_return Result<void>{};
}

net::Task<Result<std::vector<StoredModel>>> Ollama::stored() {
    auto const answer =
        co_await with_retries(Call(http::Method::Get, "/api/tags", {}, config_.timeout));
    if (!answer) {
        co_return fail(answer.error());
    }
    if (!is_success(*answer)) {
        co_return fail(error_of(*answer).context("/api/tags"));
    }
    co_return read_tags(answer->body);
}

net::Task<Result<ModelInfo>> Ollama::model_info(std::string model) {
    auto const parsed = ModelName::parse(model);
    if (parsed && parsed->is_cloud()) {
        // Forwarded to another machine by the upstream itself: nothing to ask, nothing to charge.
        ModelInfo info;
        info.name = parsed->short_name();
        info.is_remote = true;
        co_return info;
    }
    auto const answer = co_await with_retries(
        Call(http::Method::Post, "/api/show", name_body(wire_name(model)), config_.timeout)
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    if (!is_success(*answer)) {
        co_return fail(error_of(*answer));
    }
    auto info = read_show(answer->body);
    if (!info) {
        co_return fail(info.error());
    }
    auto const models = co_await stored();
    if (!models) {
        co_return fail(models.error());
    }
    info->name = wire_name(model);
    if (auto const* stored_model = find_stored(*models, model)) {
        info->name = stored_model->name;
        info->digest = stored_model->digest;
        info->file_size = stored_model->size;
    }
    if (info->format == "safetensors" || info->weights.empty()) {
        info->weights = info->digest;
    }
    co_return std::move(*info);
}

net::Task<Result<bool>> Ollama::is_current(ModelInfo const& info) {
    if (info.is_remote && info.digest.empty()) {
        co_return true;
    }
    auto const name = info.name;
    auto const digest = info.digest;
    auto const models = co_await stored();
    if (!models) {
        co_return fail(models.error());
    }
    auto const* stored_model = find_stored(*models, name);
    co_return stored_model != nullptr && stored_model->digest == digest;
}

}  // namespace

Result<std::unique_ptr<Provider>> make_ollama(net::Loop& loop, UpstreamConfig const& config) {
    auto const url = parse_url(config.url);
    if (!url) {
        return fail(url.error());
    }
    auto client = make_client_config(*url, config.tls, config.name);
    if (!client) {
        return fail(std::move(client).error());
    }
    client->connect_timeout = config.connect_timeout;
    if (!config.api_key.empty()) {
        client->authorization = "Bearer " + config.api_key;
    }
    return std::make_unique<Ollama>(loop, config, std::move(*client));
}

}  // namespace plimsoll::upstream
