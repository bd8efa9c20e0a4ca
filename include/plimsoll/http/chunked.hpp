#pragma once
// Strict incremental decoder of the chunked coding (RFC 9112 7.1), and the few bytes that encode a
// chunk. A chunk header without data yields nothing: it is never taken for the end. Pure; one
// decoder per message.

#include <plimsoll/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace plimsoll::http {

class ChunkedDecoder {
  public:
    struct Step {
        std::size_t consumed = 0;  // bytes of the input that are dealt with
        std::string_view payload;  // a piece of the input; may be empty while consumed > 0
        bool done = false;         // the last chunk and its trailers are over
    };

    // Takes what it can up to the end of one payload piece. Call again with the rest until consumed
    // == 0 or done. Errors (UpstreamProtocol or BadRequest by the caller's choice of meaning; code
    // is BadRequest): bad size, missing CRLF, bare LF, chunk header above 1 KiB, 16 KiB of headers
    // out of proportion to their payload, trailers above 8 KiB, a framing field in the trailers.
    // After an error the decoder is of no further use.
    Result<Step> next(std::string_view input);

    [[nodiscard]] bool is_done() const { return state_ == State::Done; }

  private:
    enum class State : std::uint8_t {
        Size,
        Extension,
        SizeLf,
        Data,
        DataCr,
        DataLf,
        Trailer,
        TrailerLf,
        Done
    };
    Result<void> take_byte(char c);
    Result<void> take_size_byte(char c);
    Result<void> take_size_line_end();
    Result<void> take_trailer_byte(char c);
    Result<void> take_trailer_line();

    State state_ = State::Size;
    std::uint64_t remaining_ = 0;
    std::size_t digits_ = 0;        // of the size that is being read
    std::size_t header_bytes_ = 0;  // of the chunk header that is being read
    std::size_t excess_ = 0;        // bytes of chunk headers beyond what the payload excuses
    std::string line_;              // trailer line that is being read
    std::size_t trailer_bytes_ = 0;
};

// "1a\r\n" for a chunk of that many bytes (> 0), into a caller's buffer of at least 20 bytes.
std::string_view chunk_header(std::uint64_t size, char (&buffer)[20]);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
inline constexpr std::string_view kChunkEnd = "\r\n";

}  // namespace plimsoll::http
