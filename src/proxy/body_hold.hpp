#pragma once
// Whole request bodies: each within its limit, all of them within theirs. Loop thread only.

#include <plimsoll/base/result.hpp>
#include <plimsoll/net/body.hpp>
#include <plimsoll/net/server.hpp>

#include <cstdint>

namespace plimsoll::proxy {

// Bytes of all bodies held at once.
struct BodyPool {
    std::uint64_t limit = 0;
    std::uint64_t held = 0;
};

// One held body. Gives its bytes back when destroyed.
class HeldBody {
  public:
    explicit HeldBody(BodyPool& pool) : pool_(&pool) {}

    ~HeldBody() { shrink_to(0); }

    HeldBody(HeldBody const&) = delete;
    HeldBody& operator=(HeldBody const&) = delete;

    // Reads the request's whole body. Errors: TooLarge (above `limit`), QueueFull (all bodies
    // together would be above the pool's limit), and those of Exchange::read_body.
    net::Task<Result<void>> read(net::Exchange& exchange, std::uint64_t limit);
    // Replaces the bytes by their zstd-decoded form.
    Result<void> decode(std::uint64_t limit);

    // What the client said of its bytes (Content-Encoding) no longer holds.
    [[nodiscard]] bool is_decoded() const { return is_decoded_; }

    [[nodiscard]] std::string_view view() const { return body_.view(); }

    [[nodiscard]] std::size_t size() const { return body_.size(); }

  private:
    Result<void> grow_to(std::uint64_t size);
    void shrink_to(std::uint64_t size);
    net::Task<Result<void>> read_chunked(net::Exchange& exchange, std::uint64_t limit);

    BodyPool* pool_;
    std::uint64_t counted_ = 0;
    net::Body body_;
    bool is_decoded_ = false;
};

}  // namespace plimsoll::proxy
