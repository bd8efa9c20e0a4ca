#include "support/catch.hpp"

#include <plimsoll/base/glob.hpp>

#include <optional>
#include <string>
#include <string_view>

using plimsoll::matches_glob;

namespace {

// The same by trying every length of every star.
bool means(std::string_view pattern, std::string_view text, std::optional<char> barrier) {
    if (pattern.empty()) {
        return text.empty();
    }
    if (pattern.front() == '*') {
        if (means(pattern.substr(1), text, barrier)) {
            return true;
        }
        return !text.empty() && text.front() != barrier && means(pattern, text.substr(1), barrier);
    }
    return !text.empty() && pattern.front() == text.front() &&
           means(pattern.substr(1), text.substr(1), barrier);
}

// The words of up to `length` letters of the alphabet, by their number; nullopt: no more.
std::optional<std::string> word(std::size_t number, std::string_view alphabet, std::size_t length) {
    std::size_t count = 1;
    for (std::size_t size = 0; size <= length; ++size, count *= alphabet.size()) {
        if (number < count) {
            std::string out;
            for (std::size_t i = 0; i < size; ++i, number /= alphabet.size()) {
                out += alphabet[number % alphabet.size()];
            }
            return out;
        }
        number -= count;
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("glob: means what trying every length means", "[base][unit]") {
    for (std::size_t p = 0; auto const pattern = word(p, "a/*", 5); ++p) {
        for (std::size_t t = 0; auto const text = word(t, "ab/", 4); ++t) {
            INFO("pattern \"" << *pattern << "\", text \"" << *text << '"');
            auto const is_right =
                matches_glob(*pattern, *text) == means(*pattern, *text, std::nullopt) &&
                matches_glob(*pattern, *text, '/') == means(*pattern, *text, '/');
            if (!is_right) {
                FAIL("not the same");
            }
        }
    }
}

TEST_CASE("glob: looks at case, and takes no long time", "[base][unit]") {
    CHECK_FALSE(matches_glob("A*", "abc"));
    std::string const many_stars = [] {
        std::string out;
        for (int i = 0; i < 2000; ++i) {
            out += "*a";
        }
        return out;
    }();
    CHECK_FALSE(matches_glob(many_stars + "b", std::string(20'000, 'a')));
    CHECK(matches_glob(many_stars, std::string(20'000, 'a')));
}
