#pragma once
// Values of the core as JSON. Integers stay integers, times are nanoseconds since the origin, a
// double is a text: the one form that Boost.JSON reads back to the last bit. Pure.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/time.hpp>

#include "trace/fields.hpp"
#include "trace/words.hpp"
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace plimsoll::trace {

// Nanoseconds from `origin`. Unsigned, so that no pair of times is undefined behaviour.
inline std::int64_t offset_of(TimePoint at, TimePoint origin) {
    auto const count = [](TimePoint time) {
        return static_cast<std::uint64_t>(time.time_since_epoch().count());
    };
    return static_cast<std::int64_t>(count(at) - count(origin));
}

struct Encoder {
    using Hide = std::function<std::string(std::string const&)>;

    TimePoint origin;
    Hide hide;  // applied to names of clients; empty: they stay

    template <class T>
    [[nodiscard]] boost::json::value value(T const& x) const;
    template <class T>
    [[nodiscard]] boost::json::object object(T const& x) const;
    // A variant's alternative, with its kind as the first member.
    template <class... T>
    [[nodiscard]] boost::json::object tagged(std::variant<T...> const& x) const;
};

class ObjectWriter {
  public:
    ObjectWriter(Encoder const& encoder, boost::json::object& out) : encoder_(encoder), out_(out) {}

    template <class T>
    ObjectWriter& operator()(std::string_view key, T const& x) {
        out_.emplace(key, encoder_.value(x));
        return *this;
    }

    template <class T>
    ObjectWriter& operator()(std::string_view key, std::optional<T> const& x) {
        return x ? (*this)(key, *x) : *this;
    }

    ObjectWriter& any(std::string_view key, Duration x) { return (*this)(key, x); }

    template <class T>
    ObjectWriter& later(std::string_view key, T const& x) {
        return (*this)(key, x);
    }

    ObjectWriter& client(std::string_view key, std::string const& name) {
        return (*this)(key, encoder_.hide ? encoder_.hide(name) : name);
    }

  private:
    Encoder const& encoder_;
    boost::json::object& out_;
};

template <class T>
struct IsList : std::false_type {};

template <class T>
struct IsList<std::vector<T>> : std::true_type {};

template <class T, std::size_t N>
struct IsList<std::array<T, N>> : std::true_type {};

template <class T>
boost::json::value Encoder::value(T const& x) const {
    if constexpr (std::is_same_v<T, bool> || std::is_integral_v<T>) {
        return x;
    } else if constexpr (std::is_same_v<T, double>) {
        std::array<char, 32> text{};
        auto const end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
        return boost::json::string(text.data(), static_cast<std::size_t>(end - text.data()));
    } else if constexpr (std::is_same_v<T, std::string>) {
        return boost::json::string(x);
    } else if constexpr (std::is_same_v<T, Bytes> || std::is_same_v<T, Duration>) {
        return x.count();
    } else if constexpr (std::is_same_v<T, TimePoint>) {
        return offset_of(x, origin);
    } else if constexpr (Worded<T>) {
        return boost::json::string(word_of(x));
    } else if constexpr (std::is_enum_v<T>) {
        return std::to_underlying(x);  // an id
    } else if constexpr (IsList<T>::value) {
        boost::json::array out;
        for (auto const& each : x) {
            out.push_back(value(each));
        }
        return out;
    } else {
        return object(x);
    }
}

template <class T>
boost::json::object Encoder::object(T const& x) const {
    boost::json::object out;
    ObjectWriter writer(*this, out);
    members(writer, x);
    return out;
}

template <class... T>
boost::json::object Encoder::tagged(std::variant<T...> const& x) const {
    boost::json::object out;
    std::visit(
        [&]<class Each>(Each const& each) {
            out.emplace("kind", Kind<Each>::name);
            ObjectWriter writer(*this, out);
            members(writer, each);
        },
        x
    );
    return out;
}

}  // namespace plimsoll::trace
