#include "chain/run/ask.hpp"

#include "chain/run/inner_exchange.hpp"
#include "chain/spec/json_text.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/parse.hpp>
#include <spdlog/fmt/fmt.h>

#include <utility>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

// {"error": "..."}, or the body as it is.
std::string error_text(std::string const& body) {
    boost::system::error_code broken;
    auto const parsed = json::parse(body, broken);
    if (!broken && parsed.is_object()) {
        auto const text = text_member(parsed.get_object(), "error");
        if (!text.empty()) {
            return printable(text, 2000);
        }
    }
    return printable(body, 2000);
}

// "position=2, waited=1.25"
Duration waited_of(http::Fields const& fields) {
    constexpr std::string_view kName = "waited=";
    auto const value = fields.get("X-Plimsoll-Queue").value_or("");
    auto const at = value.find(kName);
    if (at == std::string_view::npos) {
        return {};
    }
    return parse_duration(value.substr(at + kName.size())).value_or(Duration{});
}

// Puts the answer together, line by line; an answer in one piece is one line.
class Reader {
  public:
    Reader(OnText on_text, std::uint64_t limit) : on_text_(std::move(on_text)), limit_(limit) {}

    void take(std::string_view bytes) {
        while (!bytes.empty() && error_.empty()) {
            auto const end = bytes.find('\n');
            rest_ += bytes.substr(0, end);
            if (end == std::string_view::npos) {
                break;
            }
            bytes.remove_prefix(end + 1);
            line();
        }
        if (rest_.size() > limit_) {
            error_ = too_large();
        }
    }

    void end() { line(); }

    [[nodiscard]] bool is_done() const { return is_done_; }

    [[nodiscard]] bool is_too_large() const { return is_too_large_; }

    [[nodiscard]] std::string const& error() const { return error_; }

    Answer answer;

  private:
    void line() {
        auto const text = std::exchange(rest_, {});
        if (trim(text).empty() || !error_.empty()) {
            return;
        }
        boost::system::error_code broken;
        auto const parsed = json::parse(text, broken);
        if (broken || !parsed.is_object()) {
            error_ = "the answer is not JSON: " + printable(text, 200);
            return;
        }
        auto const& object = parsed.get_object();
        if (auto const error = text_member(object, "error"); !error.empty()) {
            error_ = printable(error, 2000);
            return;
        }
        if (auto const* const message = object.if_contains("message");
            message && message->is_object()) {
            take_message(message->get_object());
        }
        auto const* const done = object.if_contains("done");
        if (done != nullptr && done->is_bool() && done->get_bool()) {
            is_done_ = true;
            answer.prompt_tokens = count_member(object, "prompt_eval_count");
            answer.tokens = count_member(object, "eval_count");
        }
    }

    void take_message(json::object const& message) {
        auto const thinking = text_member(message, "thinking");
        auto const content = text_member(message, "content");
        if (answer.content.size() + answer.thinking.size() + thinking.size() + content.size() >
            limit_) {
            error_ = too_large();
            return;
        }
        answer.thinking += thinking;
        answer.content += content;
        if (auto const* const calls = message.if_contains("tool_calls");
            calls && calls->is_array()) {
            for (auto const& call : calls->get_array()) {
                answer.tool_calls.push_back(call);
            }
        }
        if (!thinking.empty()) {
            on_text_(thinking, true);
        }
        if (!content.empty()) {
            on_text_(content, false);
        }
    }

    std::string too_large() {
        is_too_large_ = true;
        return fmt::format(
            "the answer is longer than {} bytes; limit it with num_predict, or raise "
            "chains.max_text",
            limit_
        );
    }

    OnText on_text_;
    std::uint64_t limit_;
    std::string rest_;
    std::string error_;
    bool is_done_ = false;
    bool is_too_large_ = false;
};

}  // namespace

AskError error_of(unsigned status, std::string text) {
    AskError out{.kind = StepError::Upstream, .text = std::move(text)};
    switch (status) {
        case 404:
        case 409:
        case 500:
        case 507:
            out.kind = StepError::ModelManagement;
            break;
        case 502:
            out.is_unreachable = true;
            out.may_pass = true;
            break;
        case 503:
            out.may_pass = true;
            break;
        case 504:
            break;
        default:
            out.kind = status >= 400 && status < 500 ? StepError::Refused : StepError::Upstream;
            break;
    }
    return out;
}

net::Task<std::expected<Answer, AskError>> ask(
    AskProxy const& proxy,
    engine::Engine& engine,
    net::Loop& loop,
    Question question,
    OnText on_text,
    net::Canceller& canceller
) {
    Reader reader(std::move(on_text), question.max_answer);
    // What comes after an answer that became too large is not worth the GPU's time.
    net::Canceller own;
    net::Canceller::Registration const passed_on(canceller, [&own] { own.cancel(); });
    InnerExchange exchange(
        loop,
        own,
        {.path = "/api/chat",
         .body = std::move(question.body),
         .client = std::move(question.client),
         .priority = std::move(question.priority),
         .trace = std::move(question.trace)},
        [&](std::string_view bytes) {
            reader.take(bytes);
            if (!reader.error().empty()) {
                own.cancel();
            }
        }
    );
    co_await proxy(exchange, engine);
    if (exchange.status() == 200) {
        reader.end();
    }
    if (!reader.error().empty()) {
        co_return std::unexpected(AskError{
            .kind = reader.is_too_large() ? StepError::Refused : StepError::Upstream,
            .text = reader.error(),
            .may_pass = !reader.is_too_large(),
        });
    }
    if (exchange.status() == 200 && reader.is_done()) {
        reader.answer.waited = waited_of(exchange.fields());
        co_return std::move(reader.answer);
    }
    if (exchange.status() == 200 || exchange.status() == 0) {
        co_return std::unexpected(
            AskError{.text = "the answer broke off before its end", .may_pass = true}
        );
    }
    auto error = error_of(exchange.status(), error_text(exchange.error_body()));
    if (auto const after = exchange.fields().get("Retry-After")) {
        error.retry_after = parse_duration(*after);
    }
    co_return std::unexpected(std::move(error));
}

}  // namespace plimsoll::chain
