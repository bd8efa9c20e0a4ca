#include "proxy/stream_watch.hpp"

#include <algorithm>
#include <array>

namespace plimsoll::proxy {
namespace {

// The upstream hands on up to 8 KiB of a runner's last words.
constexpr std::size_t kMaxError = 16 * 1024;

constexpr std::array<std::string_view, 8> kMemoryTexts{
    "out of memory",
    "out-of-memory",
    "cudaMalloc failed",
    "failed to allocate",
    "not enough memory",
    "OutOfMemory",
    "insufficient memory",
    "ggml_gallocr_reserve"
};
constexpr std::array<std::string_view, 6> kDeathTexts{
    "model runner has unexpectedly stopped",
    "llama-server process has terminated",
    "an error was encountered while running the model",
    "do embedding request: Post",
    "connection refused",
    "connection reset"
};

bool contains_any(std::string_view text, auto const& needles) {
    return std::ranges::any_of(needles, [&](std::string_view needle) {
        return text.find(needle) != text.npos;
    });
}

std::string_view mark_of(http::Operation operation) {
    switch (operation) {
        case http::Operation::OpenAiChat:
        case http::Operation::OpenAiCompletions:
            return "data: [DONE]";
        case http::Operation::AnthropicMessages:
            return "event: message_stop";
        case http::Operation::OpenAiResponses:
            return "event: response.completed";
        default:
            return "";
    }
}

bool is_native_stream(http::Operation operation) {
    return operation == http::Operation::Generate || operation == http::Operation::Chat;
}

}  // namespace

Smell smell_of(std::string_view error_text) {
    if (error_text.empty()) {
        return Smell::None;
    }
    if (contains_any(error_text, kMemoryTexts)) {
        return Smell::OutOfMemory;
    }
    if (error_text.find("server busy") != std::string_view::npos) {
        return Smell::Busy;
    }
    return contains_any(error_text, kDeathTexts) ? Smell::RunnerDied : Smell::Error;
}

StreamWatch::StreamWatch(http::Operation operation, unsigned status, bool is_stream)
    : keeps_error_(status >= 400) {
    if (is_stream && status == 200) {
        mark_ = mark_of(operation);
        watches_error_lines_ = is_native_stream(operation);
    }
}

void StreamWatch::see(std::string_view piece) {
    if (keeps_error_) {
        if (error_.size() < kMaxError) {
            error_.append(piece.substr(0, kMaxError - error_.size()));
        }
        return;
    }
    // A native stream breaks with a last line {"error":...}; the upstream flushes each line on its
    // own.
    if (watches_error_lines_ && piece.starts_with(R"({"error":)")) {
        error_.assign(piece.substr(0, kMaxError));
    }
    if (!mark_.empty() && !found_) {
        search_mark(piece);
    }
}

void StreamWatch::search_mark(std::string_view piece) {
    if (piece.find(mark_) != std::string_view::npos) {
        found_ = true;
        return;
    }
    auto const overlap = mark_.size() - 1;
    if (!carry_.empty()) {
        carry_.append(piece.substr(0, overlap));
        if (carry_.find(mark_) != std::string::npos) {
            found_ = true;
            return;
        }
    }
    if (piece.size() >= overlap) {
        carry_.assign(piece.substr(piece.size() - overlap));
        return;
    }
    if (carry_.empty()) {
        carry_.assign(piece);
    }
    if (carry_.size() > overlap) {
        carry_.erase(0, carry_.size() - overlap);
    }
}

Smell StreamWatch::smell() const {
    return smell_of(error_);
}

}  // namespace plimsoll::proxy
