#pragma once
// Reading JSON of the daemon without trusting its shape: what is missing, or of another kind, reads
// as empty. A newer or older daemon then gives a table with a gap instead of a failure. A view; its
// JSON must outlive it.

#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::app {

class JsonView {
  public:
    explicit JsonView(boost::json::value const* value) : value_(value) {}

    explicit JsonView(boost::json::value const& value) : value_(&value) {}

    [[nodiscard]] JsonView operator[](std::string_view key) const;
    [[nodiscard]] std::vector<JsonView> items() const;  // of an array; else none
    [[nodiscard]] std::string text() const;             // of a string; else empty
    [[nodiscard]] std::optional<double> number() const;
    [[nodiscard]] std::uint64_t count() const;  // a number not below zero; else 0
    [[nodiscard]] bool is_true() const;
    [[nodiscard]] bool exists() const;       // there, and not null
    [[nodiscard]] std::string json() const;  // as it is written; nothing if it is not there

  private:
    boost::json::value const* value_;
};

}  // namespace plimsoll::app
