#pragma once
// Takes a message body out of what was read, by its framing. Pure; one per message.

#include "net/buffer.hpp"

#include <plimsoll/base/result.hpp>
#include <plimsoll/http/chunked.hpp>
#include <plimsoll/http/head.hpp>

#include <cstdint>
#include <string_view>

namespace plimsoll::net {

class BodyReader {
  public:
    BodyReader() = default;
    explicit BodyReader(http::Framing framing);

    // All payload that lies in `in`, as one piece; the pieces of several chunks are moved together
    // in place. Empty: more must be read first, unless is_done(). The view dies with the next
    // change of `in`. Never takes a byte beyond the message. Error BadRequest: broken chunked
    // coding.
    Result<std::string_view> take(Buffer& in);
    // For bytes of a Length body that went elsewhere than through take().
    void skip(std::uint64_t count);

    [[nodiscard]] bool is_done() const { return done_; }

    [[nodiscard]] http::Framing::Kind kind() const { return framing_.kind; }

    // Length bodies: what is still to come.
    [[nodiscard]] std::uint64_t remaining() const { return framing_.length; }

  private:
    Result<std::string_view> take_chunks(Buffer& in);

    http::Framing framing_;
    http::ChunkedDecoder decoder_;
    bool done_ = true;
};

}  // namespace plimsoll::net
