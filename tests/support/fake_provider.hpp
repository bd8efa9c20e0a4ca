#pragma once
// A model server that does what it is told: scripted answers, recorded calls, time by the loop's
// clock. What it has in memory is in `rows`, as an upstream would list it.

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::test {

class FakeProvider final : public upstream::Provider {
  public:
    explicit FakeProvider(net::Loop& loop) : loop_(loop), client_(loop, {}) {
        config_.name = "fake";
        config_.url = "http://fake";
    }

    // A stored model; its weights and digest follow from the names given.
    upstream::ModelInfo& add(
        std::string const& name, std::string const& weights, Bytes size = gibibytes(4)
    ) {
        upstream::ModelInfo info;
        info.name = name;
        info.digest = "digest-of-" + name;
        info.weights = weights;
        info.file_size = size;
        info.format = "gguf";
        info.capabilities = {"completion"};
        info.geometry.trained_ctx = 131072;
        return models[name] = info;
    }

    // Loaded by somebody else, or left from an earlier life.
    void put_row(std::string const& name, Bytes size, std::uint32_t num_ctx = 4096) {
        upstream::LoadedRow row;
        row.model = name;
        row.digest = models.contains(name) ? models[name].digest : "digest-of-" + name;
        row.size = row.size_vram = size;
        if (vram_sizes.contains(name)) {
            row.size_vram = std::min(size, vram_sizes[name]);
        }
        row.num_ctx = num_ctx;
        row.expires_at = "2026-11-24T10:00:00Z";
        row.raw = R"({"name":")" + name + R"(","expires_at":"2026-11-24T10:00:00Z","size_vram":1})";
        rows.push_back(row);
    }

    void drop_row(std::string const& name) {
        std::erase_if(rows, [&](auto const& row) { return row.model == name; });
    }

    [[nodiscard]] bool has_row(std::string const& name) const {
        return std::ranges::any_of(rows, [&](auto const& row) { return row.model == name; });
    }

    [[nodiscard]] std::size_t count(std::string const& call) const {
        return static_cast<std::size_t>(std::ranges::count(calls, call));
    }

    upstream::UpstreamConfig const& config() const override { return config_; }

    upstream::Capabilities capabilities() const override { return {}; }

    net::Client& client() override { return client_; }

    net::Task<upstream::Health> health() override {
        calls.push_back("health");
        upstream::Health out;
        out.ok = !is_down;
        out.version = "0.0.1";
        out.is_refused = is_down;
        out.text = is_down ? "connection refused" : "";
        co_return out;
    }

    net::Task<Result<std::vector<upstream::LoadedRow>>> list_loaded() override {
        calls.push_back("ps");
        polls.push_back(loop_.now());
        if (is_down) {
            co_return fail(Errc::UpstreamUnavailable, "connection refused", ErrorSource::Upstream);
        }
        if (list_error) {
            co_return fail(*list_error);
        }
        co_return rows;
    }

    net::Task<Result<bool>> is_loaded(std::string model) override { co_return has_row(model); }

    net::Task<std::expected<void, upstream::LoadError>> load(
        upstream::LoadRequest request, net::Canceller& canceller
    ) override {
        calls.push_back("load " + request.model);
        loads.push_back(request);
        if (is_down) {
            co_return failed(core::LoadFailure::UpstreamDown, "connection refused");
        }
        auto const waited = co_await net::sleep_until(loop_, loop_.now() + load_time, &canceller);
        if (!waited) {
            calls.push_back("aborted " + request.model);
            co_return failed(core::LoadFailure::Aborted, "given up");
        }
        if (load_error) {
            co_return std::unexpected(*load_error);
        }
        auto const num_ctx = request.form == core::Form::Bare
                                 ? models[request.model].num_ctx.value_or(default_num_ctx)
                                 : request.settings.num_ctx;
        put_row(
            request.model,
            sizes.contains(request.model) ? sizes[request.model] : gibibytes(1),
            num_ctx
        );
        co_return std::expected<void, upstream::LoadError>{};
    }

    net::Task<Result<void>> unload(std::string model) override {
        calls.push_back("unload " + model);
        unload_sent = loop_.now();
        if (is_down) {
            co_return fail(Errc::UpstreamUnavailable, "connection refused", ErrorSource::Upstream);
        }
        if (!models.contains(model)) {
            co_return fail(
                Errc::NotFound, "model '" + model + "' not found", ErrorSource::Upstream
            );
        }
        if (!ignores_unload) {
            loop_.spawn("fake unload", leave(models[model].weights));
        }
        co_return Result<void>{};
    }

    net::Task<Result<void>> hand_back(
        std::string model, upstream::LoadRequest as_loaded, Duration keep_alive
    ) override {
        calls.push_back("hand back " + model);
        as_loaded.keep_alive = keep_alive;
        handed_back.push_back(as_loaded);
        co_return Result<void>{};
    }

    net::Task<Result<upstream::ModelInfo>> model_info(std::string model) override {
        calls.push_back("show " + model);
        if (show_time > Duration{}) {
            co_await net::sleep_until(loop_, loop_.now() + show_time);
        }
        if (is_down) {
            co_return fail(Errc::UpstreamUnavailable, "connection refused", ErrorSource::Upstream);
        }
        auto const wanted = ModelName::parse(model);
        for (auto const& [name, info] : models) {
            if (wanted && ModelName::parse(name)->key() == wanted->key()) {
                co_return info;
            }
        }
        co_return fail(Errc::NotFound, "model '" + model + "' not found", ErrorSource::Upstream);
    }

    net::Task<Result<bool>> is_current(upstream::ModelInfo const& info) override {
        calls.push_back("check " + info.name);
        auto const found = models.find(info.name);
        co_return found != models.end() && found->second.digest == info.digest;
    }

    // Answers, to be changed by a test at any time.
    std::map<std::string, Bytes> vram_sizes;  // what the device has room for, where that is less
    std::map<std::string, upstream::ModelInfo> models;
    std::vector<upstream::LoadedRow> rows;
    std::map<std::string, Bytes> sizes;  // as listed after a load; 1 GiB where absent
    Duration load_time = std::chrono::seconds(2);
    Duration unload_time = std::chrono::milliseconds(30);
    Duration show_time{};
    std::uint32_t default_num_ctx = 4096;
    bool is_down = false;
    bool ignores_unload = false;
    std::optional<upstream::LoadError> load_error;
    std::optional<Error> list_error;

    // What was asked.
    std::vector<std::string> calls;
    std::vector<upstream::LoadRequest> loads, handed_back;
    std::vector<TimePoint> polls;
    TimePoint unload_sent{};
    upstream::UpstreamConfig config_;

  private:
    static std::unexpected<upstream::LoadError> failed(
        core::LoadFailure failure, std::string text
    ) {
        return std::unexpected(upstream::LoadError{.failure = failure, .text = std::move(text)});
    }

    net::Task<void> leave(std::string weights) {
        co_await net::sleep_until(loop_, loop_.now() + unload_time);
        std::erase_if(rows, [&](auto const& row) {
            return models.contains(row.model) && models[row.model].weights == weights;
        });
    }

    net::Loop& loop_;
    net::Client client_;
};

}  // namespace plimsoll::test
