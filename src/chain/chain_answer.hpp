#pragma once
// A run as the answer of a model, in the dialect of the request: what the upstream would write if
// it had a model of this name. Pure.

#include <plimsoll/http/route.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace plimsoll::chain {

// What the client asks of the chain.
struct ChainQuestion {
    std::string input;  // the prompt, or the last message of the user
    bool is_stream = true;
    bool wants_usage = false;  // OpenAI: stream_options.include_usage
};

// The error is a sentence for the client.
std::expected<ChainQuestion, std::string> read_question(
    http::Operation operation, std::string_view body
);

class ChainAnswer {
  public:
    ChainAnswer(
        http::Operation operation, std::string model, std::string run_id, std::int64_t created
    );

    // "application/x-ndjson", "text/event-stream", or for an answer in one piece JSON.
    [[nodiscard]] std::string_view content_type(bool is_stream) const;
    // A piece of the stream; one of both is empty.
    [[nodiscard]] std::string piece(std::string_view content, std::string_view thinking);
    // The end of the stream.
    [[nodiscard]] std::string end(boost::json::object const& result, bool wants_usage) const;
    [[nodiscard]] std::string failure(std::string_view message) const;
    // All in one piece.
    [[nodiscard]] std::string whole(
        std::string_view content, std::string_view thinking, boost::json::object const& result
    ) const;

  private:
    [[nodiscard]] bool is_openai() const { return operation_ == http::Operation::OpenAiChat; }

    [[nodiscard]] boost::json::object native(std::string_view content, std::string_view thinking)
        const;
    [[nodiscard]] boost::json::object chunk(boost::json::object delta, bool is_last) const;

    http::Operation operation_;
    std::string model_, run_id_;
    std::int64_t created_;
    bool has_begun_ = false;
};

}  // namespace plimsoll::chain
