#pragma once
// JSON back to values of the core. Strict: a member that is missing, unknown or of another kind is
// named with its path, and no number goes on that the scheduler could not calculate with. Pure.

#include <plimsoll/base/text.hpp>

#include "trace/encode.hpp"

#include <charconv>
#include <cmath>
#include <utility>

namespace plimsoll::trace {

constexpr Duration kLongestSpan = std::chrono::hours(24 * 365 * 100);

class Decoder {
  public:
    explicit Decoder(TimePoint origin) : origin_(origin) {}

    // What was wrong first: "event.ticket.body: wants a whole number, not below 0".
    [[nodiscard]] std::string const& problem() const { return problem_; }

    template <class T>
    bool read(boost::json::value const& in, T& out);
    // `out` becomes the alternative that "kind" names.
    template <class... T>
    bool read(boost::json::value const& in, std::variant<T...>& out);

    bool wants(std::string what) {
        problem_ = ": wants " + std::move(what);
        return false;
    }

    bool in(std::string_view key) {
        problem_ = (problem_.starts_with(':') || problem_.empty() ? "" : ".") + problem_;
        problem_.insert(0, key);
        return false;
    }

    // Times that only get compared, or that the core caps by itself, may have any length.
    bool read_any(boost::json::value const& in, Duration& out) {
        auto const number = in.if_int64();
        if (number == nullptr) {
            return wants("nanoseconds");
        }
        out = Duration(*number);
        return true;
    }

  private:
    template <class T>
    bool read_members(boost::json::object const& in, T& out, std::size_t others);
    bool read_text(boost::json::value const& in, std::string& out);
    bool read_double(boost::json::value const& in, double& out);
    bool read_time(boost::json::value const& in, TimePoint& out);
    template <class T>
    bool read_whole(boost::json::value const& in, T& out);
    template <class T>
    bool read_list(boost::json::value const& in, std::vector<T>& out);
    template <class T, std::size_t N>
    bool read_list(boost::json::value const& in, std::array<T, N>& out);

    TimePoint origin_;
    std::string problem_;
};

class ObjectReader {
  public:
    ObjectReader(Decoder& decoder, boost::json::object const& in) : decoder_(decoder), in_(in) {}

    template <class T>
    ObjectReader& operator()(std::string_view key, T& out) {
        return find(key, true, [&](auto const& value) { return decoder_.read(value, out); });
    }

    template <class T>
    ObjectReader& operator()(std::string_view key, std::optional<T>& out) {
        return find(key, false, [&](auto const& value) {
            return decoder_.read(value, out.emplace());
        });
    }

    ObjectReader& any(std::string_view key, Duration& out) {
        return find(key, true, [&](auto const& value) { return decoder_.read_any(value, out); });
    }

    template <class T>
    ObjectReader& later(std::string_view key, T& out) {
        return find(key, false, [&](auto const& value) { return decoder_.read(value, out); });
    }

    ObjectReader& client(std::string_view key, std::string& out) { return (*this)(key, out); }

    // Also when a member is there that nobody asked for.
    bool finish(std::size_t others) {
        if (is_good_ && found_.size() + others != in_.size()) {
            for (auto const& member : in_) {
                std::string_view const key = member.key();
                if (key != "kind" && std::ranges::find(found_, key) == found_.end()) {
                    decoder_.wants("no such member: a newer Plimsoll may have written it");
                    return decoder_.in(printable(key, 40));
                }
            }
        }
        return is_good_;
    }

  private:
    ObjectReader& find(std::string_view key, bool is_needed, auto const& read) {
        auto const* const value = is_good_ ? in_.if_contains(key) : nullptr;
        if (value != nullptr) {
            found_.push_back(key);
            is_good_ = read(*value) || decoder_.in(key);
        } else if (is_good_ && is_needed) {
            decoder_.wants("this member, which is missing");
            is_good_ = decoder_.in(key);
        }
        return *this;
    }

    Decoder& decoder_;
    boost::json::object const& in_;
    std::vector<std::string_view> found_;
    bool is_good_ = true;
};

template <class T>
bool Decoder::read_whole(boost::json::value const& in, T& out) {
    if (auto const* const number = in.if_int64(); number != nullptr && std::in_range<T>(*number)) {
        out = static_cast<T>(*number);
        return true;
    }
    if (auto const* const number = in.if_uint64(); number != nullptr && std::in_range<T>(*number)) {
        out = static_cast<T>(*number);
        return true;
    }
    return wants(std::is_signed_v<T> ? "a whole number" : "a whole number, not below 0");
}

template <class T>
bool Decoder::read_list(boost::json::value const& in, std::vector<T>& out) {
    auto const* const list = in.if_array();
    if (list == nullptr) {
        return wants("a list");
    }
    for (auto const& each : *list) {
        if (!read(each, out.emplace_back())) {
            return this->in(std::to_string(out.size()));
        }
    }
    return true;
}

template <class T, std::size_t N>
bool Decoder::read_list(boost::json::value const& in, std::array<T, N>& out) {
    auto const* const list = in.if_array();
    if (list == nullptr || list->size() != N) {
        return wants("a list of " + std::to_string(N));
    }
    for (std::size_t i = 0; i < N; ++i) {
        if (!read((*list)[i], out.at(i))) {
            return this->in(std::to_string(i + 1));
        }
    }
    return true;
}

inline bool Decoder::read_text(boost::json::value const& in, std::string& out) {
    auto const* const text = in.if_string();
    if (text == nullptr) {
        return wants("a text");
    }
    out.assign(text->data(), text->size());
    return true;
}

inline bool Decoder::read_double(boost::json::value const& in, double& out) {
    auto const* const text = in.if_string();
    if (text != nullptr) {
        auto const* const last = text->data() + text->size();
        auto const [end, error] = std::from_chars(text->data(), last, out);
        if (error == std::errc() && end == last && std::isfinite(out) && std::abs(out) <= 1e6) {
            return true;
        }
    }
    return wants("a number as a text, such as \"8\"");
}

// Far beyond any clock, and far enough from the ends for the core to add to it.
inline bool Decoder::read_time(boost::json::value const& in, TimePoint& out) {
    auto const* const number = in.if_int64();
    if (number == nullptr || Duration(*number) > kLongestSpan ||
        Duration(*number) < -kLongestSpan) {
        return wants("nanoseconds, at most a hundred years");
    }
    out = origin_ + Duration(*number);
    return true;
}

template <class T>
bool Decoder::read(boost::json::value const& in, T& out) {
    if constexpr (std::is_same_v<T, bool>) {
        auto const* const flag = in.if_bool();
        out = flag != nullptr && *flag;
        return flag != nullptr || wants("true or false");
    } else if constexpr (std::is_integral_v<T>) {
        return read_whole(in, out);
    } else if constexpr (std::is_same_v<T, double>) {
        return read_double(in, out);
    } else if constexpr (std::is_same_v<T, std::string>) {
        return read_text(in, out);
    } else if constexpr (std::is_same_v<T, Bytes>) {
        std::uint64_t count = 0;
        bool const is_good = read_whole(in, count);
        out = Bytes(count);
        return is_good;
    } else if constexpr (std::is_same_v<T, Duration>) {
        bool const is_good = read_any(in, out) && out >= Duration() && out <= kLongestSpan;
        return is_good || wants("nanoseconds, not below 0 and at most a hundred years");
    } else if constexpr (std::is_same_v<T, TimePoint>) {
        return read_time(in, out);
    } else if constexpr (Worded<T>) {
        auto const* const word = in.if_string();
        auto const value =
            word == nullptr ? std::nullopt : value_of<T>({word->data(), word->size()});
        out = value.value_or(T{});
        return value.has_value() || wants("a word of this version");
    } else if constexpr (std::is_enum_v<T>) {
        std::underlying_type_t<T> id{};
        bool const is_good = read_whole(in, id);
        out = T{id};
        return is_good;
    } else if constexpr (IsList<T>::value) {
        return read_list(in, out);
    } else {
        auto const* const object = in.if_object();
        return object == nullptr ? wants("an object") : read_members(*object, out, 0);
    }
}

template <class T>
bool Decoder::read_members(boost::json::object const& in, T& out, std::size_t others) {
    ObjectReader reader(*this, in);
    members(reader, out);
    return reader.finish(others);
}

template <class... T>
bool Decoder::read(boost::json::value const& in, std::variant<T...>& out) {
    auto const* const object = in.if_object();
    auto const* const member = object == nullptr ? nullptr : object->if_contains("kind");
    auto const* const kind = member == nullptr ? nullptr : member->if_string();
    if (kind == nullptr) {
        return wants("an object with a \"kind\"");
    }
    std::string_view const name(kind->data(), kind->size());
    bool is_known = false;
    bool is_good = false;
    auto const attempt = [&]<class Each>(std::type_identity<Each>) {
        if (!is_known && Kind<Each>::name == name) {
            is_known = true;
            is_good = read_members(*object, out.template emplace<Each>(), 1);
        }
    };
    (attempt(std::type_identity<T>()), ...);
    return is_known ? is_good : wants("a \"kind\" of this version, not " + printable(name, 40));
}

}  // namespace plimsoll::trace
