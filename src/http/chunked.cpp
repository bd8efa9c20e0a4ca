#include "http/chars.hpp"
#include "http/known_fields.hpp"

#include <plimsoll/http/chunked.hpp>

#include <algorithm>
#include <charconv>

namespace plimsoll::http {

namespace {

constexpr std::size_t kMaxHeader = 1024;
constexpr std::size_t kMaxTrailers = 8 * 1024;
// Headers may be this much larger in sum than their payload excuses: a peer that sends single bytes
// under long extensions would cost far more to read than it delivers.
constexpr std::size_t kMaxExcess = 16 * 1024;
constexpr std::size_t kHeaderAllowance = 16;
// 15 digits hold sizes up to 2^60 and cannot overflow.
constexpr std::size_t kMaxDigits = 15;

auto bad(char const* what) {
    return fail(Errc::BadRequest, std::string("chunked coding: ") + what);
}

}  // namespace

Result<ChunkedDecoder::Step> ChunkedDecoder::next(std::string_view input) {
    Step step;
    while (step.consumed < input.size() && state_ != State::Done) {
        if (state_ == State::Data) {
            auto const rest = input.substr(step.consumed);
            auto const size = std::min<std::uint64_t>(rest.size(), remaining_);
            step.payload = rest.substr(0, static_cast<std::size_t>(size));
            step.consumed += step.payload.size();
            remaining_ -= size;
            if (remaining_ == 0) {
                state_ = State::DataCr;
            }
            break;
        }
        auto taken = take_byte(input[step.consumed]);
        if (!taken) {
            return fail(std::move(taken.error()));
        }
        ++step.consumed;
    }
    step.done = state_ == State::Done;
    return step;
}

Result<void> ChunkedDecoder::take_byte(char c) {
    switch (state_) {
        case State::Size:
        case State::Extension:
            return take_size_byte(c);
        case State::SizeLf:
            return c == '\n'
                       ? take_size_line_end()
                       : bad("a carriage return in a chunk header is not followed by a line feed");
        case State::DataCr:
            state_ = State::DataLf;
            return c == '\r' ? Result<void>{} : bad("a chunk is longer than its size");
        case State::DataLf:
            state_ = State::Size;
            return c == '\n' ? Result<void>{} : bad("a chunk does not end with CRLF");
        case State::Trailer:
        case State::TrailerLf:
            return take_trailer_byte(c);
        case State::Data:
        case State::Done:
            break;
    }
    return {};
}

Result<void> ChunkedDecoder::take_size_byte(char c) {
    if (++header_bytes_ > kMaxHeader) {
        return bad("a chunk header is longer than 1024 bytes");
    }
    if (c == '\r') {
        state_ = State::SizeLf;
        return digits_ > 0 ? Result<void>{} : bad("a chunk header has no size");
    }
    if (state_ == State::Extension) {
        return is(c, kFieldValue) ? Result<void>{}
                                  : bad("a chunk extension contains a control character");
    }
    int const digit = hex_value(c);
    if (digit >= 0) {
        remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
        return ++digits_ <= kMaxDigits ? Result<void>{}
                                       : bad("a chunk size has more than 15 digits");
    }
    if (c != ';' || digits_ == 0) {
        return bad("a chunk size is not a hexadecimal number");
    }
    state_ = State::Extension;
    return {};
}

Result<void> ChunkedDecoder::take_size_line_end() {
    excess_ += header_bytes_;
    auto const excused = kHeaderAllowance + std::min<std::uint64_t>(2 * remaining_, kMaxExcess);
    excess_ -= std::min(excess_, static_cast<std::size_t>(excused));
    if (excess_ > kMaxExcess) {
        return bad("the chunk headers are out of proportion to their payload");
    }
    state_ = remaining_ > 0 ? State::Data : State::Trailer;
    digits_ = 0;
    header_bytes_ = 0;
    return {};
}

Result<void> ChunkedDecoder::take_trailer_byte(char c) {
    if (++trailer_bytes_ > kMaxTrailers) {
        return bad("the trailers are longer than 8192 bytes");
    }
    if (state_ == State::TrailerLf) {
        return c == '\n' ? take_trailer_line()
                         : bad("a carriage return in the trailers is not followed by a line feed");
    }
    if (c == '\r') {
        state_ = State::TrailerLf;
        return {};
    }
    line_ += c;
    return is(c, kFieldValue) ? Result<void>{} : bad("a trailer contains a control character");
}

// Trailers are checked and dropped: nothing behind us reads them, and merging them would let a peer
// forge fields (RFC 9110 6.5.1).
Result<void> ChunkedDecoder::take_trailer_line() {
    if (line_.empty()) {
        state_ = State::Done;
        return {};
    }
    auto const colon = line_.find(':');
    auto const name = std::string_view(line_).substr(0, colon);
    if (colon == std::string::npos || name.empty() || !all_of_class(name, kToken)) {
        return bad("a trailer is not a field");
    }
    if (known_field(name) != KnownField::Other) {
        return bad("a field about framing or the connection stands in the trailers");
    }
    line_.clear();
    state_ = State::Trailer;
    return {};
}

std::string_view chunk_header(std::uint64_t size, char (&buffer)[20]) {
    auto const result = std::to_chars(buffer, buffer + 16, size, 16);
    result.ptr[0] = '\r';
    result.ptr[1] = '\n';
    return {buffer, static_cast<std::size_t>(result.ptr - buffer) + 2};
}

}  // namespace plimsoll::http
