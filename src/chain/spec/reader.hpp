#pragma once
// Reads one object of a specification strictly: every member is of the kind that is wanted, within
// its bounds, and known. What is wrong is collected with its JSON pointer (RFC 6901), so that a
// person sees all of it at once.

#include <plimsoll/base/time.hpp>
#include <plimsoll/chain/problem.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::chain {

// "/steps/0" + "a/b" -> "/steps/0/a~1b"
[[nodiscard]] std::string pointer_to(std::string_view parent, std::string_view key);
[[nodiscard]] std::string pointer_to(std::string_view parent, std::size_t index);

// "an object", "a text", "a number", ... for messages.
[[nodiscard]] std::string_view kind_word(boost::json::value const& value);

class Reader {
  public:
    // A value that is no object is a problem, and every member is then absent.
    Reader(boost::json::value const& value, std::string pointer, std::vector<Problem>& problems);

    [[nodiscard]] std::string const& pointer() const { return pointer_; }

    // The member whatever it is; null if it is absent. This and all below make it known.
    boost::json::value const* find(std::string_view key);

    [[nodiscard]] bool has(std::string_view key) const {
        return object_ != nullptr && object_->contains(key);
    }

    // nullopt: absent, or a problem that was noted.
    std::optional<std::string> text(std::string_view key);
    std::optional<bool> boolean(std::string_view key);
    std::optional<std::int64_t> whole(std::string_view key, std::int64_t least, std::int64_t most);
    std::optional<double> number(std::string_view key, double least, double most);
    // Given in seconds.
    std::optional<Duration> seconds(std::string_view key, Duration least, Duration most);
    // Null: absent, or no list.
    boost::json::array const* list(std::string_view key);

    void note(std::string_view key, std::string message);
    // Of the object as a whole.
    void note(std::string message);
    // Notes members that nobody asked for, with the nearest known name.
    void finish();

  private:
    std::optional<double> checked(
        std::string_view key, boost::json::value const& value, double least, double most
    );

    boost::json::object const* object_ = nullptr;
    std::string pointer_;
    std::vector<Problem>& problems_;
    std::vector<std::string_view> known_;
};

}  // namespace plimsoll::chain
