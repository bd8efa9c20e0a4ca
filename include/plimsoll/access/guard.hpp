#pragma once
// Decides who is let in: key, role and limits of a request against what its route needs. Pure:
// times are handed in. Loop thread only.

#include <plimsoll/access/key.hpp>
#include <plimsoll/base/time.hpp>

#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::access {

// Through which listener a request came: the one for everybody, or the one for operators.
enum class Door : std::uint8_t { Public, Admin };

enum class Peer : std::uint8_t { Network, UnixSocket };

enum class Right : std::uint8_t { Open, Inference, Operator, Admin };

std::string_view to_string(Right right);

// What a route needs.
struct Need {
    Right right = Right::Admin;
    // Every model that such a request could reach is named in it and looked at, so that a key for
    // some models may use the route.
    bool is_for_limited_keys = false;

    bool operator==(Need const&) const = default;
};

struct Policy {
    std::vector<Key> keys{};
    // Requests need a key, even while there is none. False: everybody may everything.
    bool is_closed = false;
    // Peers of a Unix socket behind the admin door need no key: its file's mode guards it.
    bool trusts_sockets = true;
};

struct Request {
    Door door = Door::Public;
    Peer peer = Peer::Network;
    Need need;
    std::span<std::string_view const> secrets{};  // as presented; the first that is known counts
};

struct Denial {
    unsigned status = 401;  // 401, 403, 429
    std::string text;       // one sentence; never a secret
    std::optional<Duration> retry_after{};
};

struct Usage;

// What a request was let in with. Gives its place among the concurrent requests of its key back
// when it ends.
class Pass {
  public:
    // May everything.
    Pass() = default;
    Pass(std::shared_ptr<Key const> key, std::shared_ptr<Usage> usage);
    ~Pass();
    Pass(Pass&& other) noexcept = default;
    Pass& operator=(Pass&& other) noexcept;
    Pass(Pass const&) = delete;
    Pass& operator=(Pass const&) = delete;

    // Null: let in without a key.
    [[nodiscard]] Key const* key() const { return key_.get(); }

    // Whether only some models are open to it.
    [[nodiscard]] bool is_limited() const { return key_ != nullptr && !key_->models.empty(); }

    [[nodiscard]] bool may_use(std::string_view model) const {
        return !is_limited() || is_for_model(*key_, model);
    }

    // Its class: what it asked for, but none above its key's; nullopt: the model's.
    [[nodiscard]] std::optional<core::Priority> priority(std::optional<core::Priority> asked) const;

  private:
    void give_back();

    std::shared_ptr<Key const> key_;
    std::shared_ptr<Usage> usage_;  // null: not counted
};

class Guard {
  public:
    explicit Guard(Policy policy);
    ~Guard();
    Guard(Guard const&) = delete;
    Guard& operator=(Guard const&) = delete;

    // Requests that are let in already go on. What a key has used up counts on while its hash is
    // there, under new limits too.
    void replace(Policy policy);

    [[nodiscard]] bool is_closed() const { return is_closed_; }

    [[nodiscard]] std::expected<Pass, Denial> admit(Request const& request, TimePoint now);

  private:
    struct Entry;

    [[nodiscard]] Entry* find(std::string_view secret);

    bool is_closed_ = false;
    bool trusts_sockets_ = true;
    std::vector<Digest> digests_;  // of the entries, in their order
    std::vector<Entry> entries_;
};

// The key among `keys` whose digest is that of the secret; its index, or nullopt. Takes the same
// time whatever of a guess is right: the digest is compared with every key's, all bytes of it.
std::optional<std::size_t> find_digest(std::span<Digest const> digests, std::string_view secret);

}  // namespace plimsoll::access
