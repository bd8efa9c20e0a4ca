#pragma once
// Looks at an answer while it passes: whether a stream ended with its end mark, and whether the
// text smells of memory or of a dead runner. A few hundred bytes of state, one search per piece;
// never changes a byte. Pure.

#include <plimsoll/http/route.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace plimsoll::proxy {

enum class Smell : std::uint8_t {
    None,
    Error,        // an error of the request itself
    OutOfMemory,  // every loaded model may be going
    RunnerDied,   // the list of loaded models is stale
    Busy,         // the upstream's queue was full: nothing was started
};

// What an upstream's error text tells about its state.
Smell smell_of(std::string_view error_text);

class StreamWatch {
  public:
    // is_stream: the answer is a stream of the route's dialect and must end with its mark.
    StreamWatch(http::Operation operation, unsigned status, bool is_stream);

    void see(std::string_view piece);

    // At the end of the answer. A stream that broke on /v1 ends cleanly but without its mark.
    [[nodiscard]] bool is_mark_missing() const { return !mark_.empty() && !found_; }

    // From an error status, or from an error line inside a native stream.
    [[nodiscard]] Smell smell() const;

  private:
    void search_mark(std::string_view piece);

    std::string_view mark_;  // empty: none to look for
    bool found_ = false;
    bool keeps_error_ = false;          // an error status: the first bytes are kept
    bool watches_error_lines_ = false;  // a native stream
    std::string carry_;                 // end of the last piece, shorter than the mark
    std::string error_;
};

}  // namespace plimsoll::proxy
