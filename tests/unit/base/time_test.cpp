#include "support/catch.hpp"

#include <plimsoll/base/time.hpp>

#include <limits>

using namespace plimsoll;
using namespace std::chrono_literals;

namespace {

struct Printed {
    Duration duration;
    char const* text;
};

struct Read {
    char const* text;
    std::optional<Duration> duration;
};

}  // namespace

TEST_CASE("time: durations are printed with the digits that matter", "[base][unit]") {
    Printed const c = GENERATE(
        Printed{0s, "0 s"},
        Printed{5ns, "5 ns"},
        Printed{350us, "350 us"},
        Printed{2340us, "2.3 ms"},
        Printed{35ms, "35 ms"},
        Printed{999'900us, "1 s"},
        Printed{2340ms, "2.34 s"},
        Printed{21'500ms, "21.5 s"},
        Printed{212s, "212 s"},
        Printed{600s, "10 min"},
        Printed{725s, "12 min 5 s"},
        Printed{3'599'700ms, "1 h"},
        Printed{65min, "1 h 5 min"},
        Printed{50h, "2 d 2 h"},
        Printed{-3s, "-3 s"},
        Printed{Duration::min(), "-106752 d"}
    );
    CHECK(format_duration(c.duration) == c.text);
}

TEST_CASE("time: durations are read in Go's syntax and as bare seconds", "[base][unit]") {
    Read const c = GENERATE(
        Read{"30s", 30s},
        Read{"5m", 5min},
        Read{"1h30m", 90min},
        Read{"250ms", 250ms},
        Read{"1.5h", 90min},
        Read{"10us", 10us},
        Read{"10\xc2\xb5s", 10us},
        Read{"7ns", 7ns},
        Read{"300", 300s},
        Read{"0", 0s},
        Read{"0.25", 250ms},
        Read{"", std::nullopt},
        Read{"s", std::nullopt},
        Read{".", std::nullopt},
        Read{"-5m", std::nullopt},
        Read{"5 m", std::nullopt},
        Read{"5x", std::nullopt},
        Read{"1h30", std::nullopt},
        Read{"1e9s", std::nullopt},
        Read{"inf", std::nullopt},
        Read{"9999999999999999999h", std::nullopt}
    );
    CAPTURE(c.text);
    CHECK(parse_duration(c.text) == c.duration);
}

TEST_CASE("time: seconds that no duration holds are clamped", "[base][unit]") {
    CHECK(from_seconds(1.5) == 1500ms);
    CHECK(from_seconds(1e30) == Duration::max());
    CHECK(from_seconds(-1e30) == Duration::min());
    CHECK(from_seconds(std::numeric_limits<double>::quiet_NaN()) == Duration::zero());
    CHECK(to_seconds(250ms) == 0.25);
}
