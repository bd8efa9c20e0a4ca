// Does the time in which a key is looked up tell how much of a guess is right? Welch's t-test on
// interleaved guesses of two classes: those that share a prefix with a real key, and those that
// differ in the first byte. The same for a comparison that leaves at the first wrong byte, to see
// that the test would notice. Argument: guesses of each comparison [1000000].

#include <plimsoll/access/guard.hpp>
#include <plimsoll/access/key.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

using namespace plimsoll;

namespace {

using Clock = std::chrono::steady_clock;
using Look = std::function<bool(std::string const&)>;

constexpr std::size_t kKeys = 8;
constexpr std::size_t kGuesses = 4096;  // different ones of each class
constexpr double kLimit = 4.5;

struct Sample {
    double count = 0, mean = 0, squares = 0;

    void add(double value) {  // Welford
        count += 1;
        auto const delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }

    [[nodiscard]] double error() const { return squares / (count - 1) / count; }
};

struct Timing {
    bool is_near = false;
    double nanoseconds = 0;
};

// Interrupts make outliers that drown all else; times above the quantile are left out, for both
// classes at the same time.
double welch(std::vector<Timing> const& timings, double quantile) {
    std::vector<double> all;
    all.reserve(timings.size());
    for (auto const& timing : timings) {
        all.push_back(timing.nanoseconds);
    }
    auto const nth =
        all.begin() + static_cast<std::ptrdiff_t>(quantile * static_cast<double>(all.size() - 1));
    std::ranges::nth_element(all, nth);
    auto const most = *nth;
    Sample near;
    Sample far;
    for (auto const& timing : timings) {
        if (timing.nanoseconds <= most) {
            (timing.is_near ? near : far).add(timing.nanoseconds);
        }
    }
    return (near.mean - far.mean) / std::sqrt(near.error() + far.error());
}

std::string random_text(std::mt19937_64& random, std::size_t size) {
    constexpr std::string_view kSigns = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += kSigns[random() % kSigns.size()];
    }
    return text;
}

// Alike but for the prefix: the near ones have `right` bytes of the key, the far ones none.
std::vector<std::string> guesses(
    std::mt19937_64& random, std::string const& key, std::size_t right
) {
    std::vector<std::string> out;
    while (out.size() < kGuesses) {
        auto guess = key.substr(0, right) + random_text(random, key.size() - right);
        if (right < key.size() && guess[right] != key[right]) {
            out.push_back(std::move(guess));
        }
    }
    return out;
}

std::vector<Timing> measure(
    Look const& look, std::string const& key, std::size_t right, std::size_t count
) {
    std::mt19937_64 random(right + 1);
    std::array const classes{guesses(random, key, 0), guesses(random, key, right)};
    std::vector<Timing> timings;
    timings.reserve(count);
    std::string guess;
    for (std::size_t i = 0; i < count; ++i) {
        bool const is_near = (random() & 1U) != 0;
        guess = classes[is_near ? 1 : 0][random() % kGuesses];  // always in the same memory
        auto const begin = Clock::now();
        bool const is_found = look(guess);
        auto const took = Clock::now() - begin;
        if (is_found) {
            std::abort();  // and the compiler cannot leave it out
        }
        timings.push_back({is_near, std::chrono::duration<double, std::nano>(took).count()});
    }
    return timings;
}

// The worst |t| of three cuts.
double report(
    char const* name, Look const& look, std::string const& key, std::size_t right, std::size_t count
) {
    auto const timings = measure(look, key, right, count);
    double worst = 0;
    std::printf("%-14s %2zu of %zu bytes right:", name, right, key.size());
    for (double const quantile : {1.0, 0.99, 0.9}) {
        auto const t = welch(timings, quantile);
        std::printf("  t = %7.2f (%.0f %% of the times)", t, quantile * 100);
        worst = std::max(worst, std::abs(t));
    }
    std::printf("\n");
    std::fflush(stdout);
    return worst;
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t const count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
    std::mt19937_64 random(1);
    std::vector<std::string> keys;
    std::vector<access::Digest> digests;
    for (std::size_t i = 0; i < kKeys; ++i) {
        keys.push_back(random_text(random, 47));
        digests.push_back(access::digest_of(keys.back()));
    }
    Look const ours = [&](std::string const& guess) {
        return access::find_digest(digests, guess).has_value();
    };
    Look const leaky = [&](std::string const& guess) {
        return std::ranges::any_of(keys, [&](std::string const& key) {
            return std::ranges::mismatch(key, guess).in1 == key.end();
        });
    };
    auto const& target = keys[kKeys / 2];
    double worst = 0;
    for (std::size_t const right : {std::size_t{1}, target.size() / 2, target.size() - 1}) {
        worst = std::max(worst, report("plimsoll", ours, target, right, count));
    }
    auto const control = report("early exit", leaky, target, target.size() - 1, count);
    bool const is_right = worst < kLimit && control > kLimit;
    std::printf(
        "|t| of ours at most %.2f, wanted below %.1f; of the early exit %.2f, wanted above: %s\n",
        worst,
        kLimit,
        control,
        is_right ? "right" : "WRONG"
    );
    return is_right ? 0 : 1;
}
