// A tool server that is a program of this machine: one JSON message a line.

#include "chain/run/run_context.hpp"
#include "chain/tools/mcp_transport.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/net/child_process.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

constexpr Duration kGrace = std::chrono::seconds(2);  // between closing its input and killing it
constexpr std::size_t kMostBadLines = 5;              // that are told of

class Stdio final : public McpTransport, public std::enable_shared_from_this<Stdio> {
  public:
    Stdio(net::Loop& loop, McpServerConfig const& config)
        : loop_(loop), id_(config.id), max_result_(config.max_result) {}

    Result<void> start(McpServerConfig const& config) {
        net::ChildCommand command{
            .program = config.command,
            .args = config.args,
            .env = config.env,
            .max_line = most_message(config),
        };
        std::weak_ptr<Stdio> const weak = weak_from_this();
        net::ChildProcess::Listener listener{
            .on_line =
                [weak](std::string_view line) {
                    if (auto const self = weak.lock()) {
                        self->on_line(line);
                    }
                },
            .on_long_line =
                [weak](std::size_t bytes) {
                    if (auto const self = weak.lock()) {
                        self->on_long_line(bytes);
                    }
                },
            .on_error_line =
                [id = id_](std::string_view line) {
                    kLog.debug("tool server " + id + " says: " + printable(line, 500));
                },
            .on_end =
                [weak] {
                    if (auto const self = weak.lock()) {
                        self->die("it has ended");
                    }
                },
        };
        auto started = net::ChildProcess::start(loop_, command, std::move(listener));
        if (!started) {
            return fail(std::move(started).error());
        }
        process_ = std::move(*started);
        return {};
    }

    net::Task<Result<json::object>> exchange(
        json::object request, std::uint64_t id, Duration timeout, net::Canceller& canceller
    ) override {
        auto const keep = shared_from_this();
        if (!is_alive()) {
            co_return fail(Errc::UpstreamUnavailable, "tool server " + id_ + ": " + why_dead_);
        }
        Pending pending(loop_);
        pending_.emplace(id, &pending);
        process_->write_line(json::serialize(request));
        auto const latest = loop_.now() + kMostProgress * timeout;
        std::optional<Error> given_up;
        while (!pending.response && !given_up) {
            pending.flag.reset();
            auto const until = std::min(loop_.now() + timeout, latest);
            auto const woken = co_await pending.flag.wait(until, &canceller);
            if (!woken) {
                given_up = woken.error();
            }
        }
        pending_.erase(id);
        if (pending.response) {
            co_return std::move(*pending.response);
        }
        bool const is_cancelled = given_up->code == Errc::Cancelled;
        auto const* const why = is_cancelled ? "the request was cancelled" : "it took too long";
        co_await notify(cancelled_notification(id, why));
        if (is_cancelled) {
            co_return fail(std::move(*given_up));
        }
        co_return too_late(id_, loop_.now() < latest ? timeout : kMostProgress * timeout);
    }

    net::Task<void> notify(json::object notification) override {
        if (process_) {
            process_->write_line(json::serialize(notification));
        }
        co_return;
    }

    void set_revision(std::string) override {}

    [[nodiscard]] bool is_alive() const override { return process_ != nullptr; }

    [[nodiscard]] std::string why_dead() const override { return why_dead_; }

    net::Task<void> close() override {
        if (process_) {
            process_->stop(kGrace);
        }
        die("it was stopped");
        co_return;
    }

  private:
    struct Pending {
        explicit Pending(net::Loop& loop) : flag(loop) {}

        net::Flag flag;
        std::optional<Result<json::object>> response;
    };

    void on_line(std::string_view line) {
        boost::system::error_code broken;
        auto message = json::parse(line, broken);
        if (broken || !message.is_object()) {
            on_bad_line(line);
            return;
        }
        auto& object = message.get_object();
        if (object.contains("method")) {
            on_request(object);
        } else if (auto const found = pending_.find(id_of(object, "id")); found != pending_.end()) {
            found->second->response = std::move(object);
            found->second->flag.set();
        }
    }

    // A program that only writes would fill the log.
    void on_bad_line(std::string_view line) {
        if (++bad_lines_ <= kMostBadLines) {
            kLog.warning(
                "tool server " + id_ + " wrote what is no message: " + printable(line, 200)
            );
        }
        if (bad_lines_ == kMostBadLines) {
            kLog.warning(
                "tool server " + id_ +
                ": further lines of the kind are not told; its standard "
                "output is for messages of the protocol alone"
            );
        }
    }

    void on_request(json::object const& object) {
        if (object.contains("id")) {
            process_->write_line(json::serialize(answer_to_server(object)));
        } else if (auto const found = pending_.find(progress_of(object)); found != pending_.end()) {
            found->second->flag.set();
        } else {
            notified(object);
        }
    }

    // Whose answer it was cannot be read any more.
    void on_long_line(std::size_t bytes) {
        auto const error = fail(
            Errc::TooLarge,
            fmt::format(
                "tool server {} answered with {} bytes, and may with {}; ask it for less, or raise "
                "max_result of [[mcp_server]]",
                id_,
                bytes,
                max_result_
            ),
            ErrorSource::Upstream
        );
        for (auto const& [id, pending] : pending_) {
            pending->response = error;
            pending->flag.set();
        }
    }

    void die(std::string why) {
        why_dead_ = std::move(why);
        process_.reset();
        for (auto const& [id, pending] : pending_) {
            pending->response = fail(
                Errc::ConnectionClosed,
                "tool server " + id_ + " ended before it answered",
                ErrorSource::Upstream
            );
            pending->flag.set();
        }
    }

    net::Loop& loop_;
    std::string id_;
    std::uint64_t max_result_;
    std::unique_ptr<net::ChildProcess> process_;
    std::map<std::uint64_t, Pending*> pending_;
    std::size_t bad_lines_ = 0;
    std::string why_dead_ = "it was not started";
};

}  // namespace

Result<std::shared_ptr<McpTransport>> start_stdio(net::Loop& loop, McpServerConfig const& config) {
    auto const transport = std::make_shared<Stdio>(loop, config);
    auto const started = transport->start(config);
    if (!started) {
        return fail(Error(started.error()).context("tool server " + config.id));
    }
    return transport;
}

}  // namespace plimsoll::chain
