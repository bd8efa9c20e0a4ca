#include <plimsoll/base/text.hpp>
#include <plimsoll/trace/generate.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

namespace plimsoll::trace {

namespace {

constexpr double kMostRequests = 2e6;
constexpr Bytes kLeastSize = mebibytes(1);
constexpr Bytes kMostSize = gibibytes(1U << 20U);

enum class Lengths : std::uint8_t { LogNormal, Exponential, Equal };

struct Specification {
    double models = 8, clients = 20, rate = 0.2, seconds = 3600, zipf = 1.1, answer = 20;
    std::uint64_t seed = 1;
    Lengths lengths = Lengths::LogNormal;
    std::vector<Bytes> sizes{gibibytes(2), gibibytes(20)};
    bool is_range = true;
};

struct Number {
    std::string_view name;
    double Specification::* value;
    double least, most;
    bool is_whole;
    std::string_view wanted;  // after "models=0: "
};

constexpr std::array kNumbers{
    Number{"models", &Specification::models, 1, 1000, true, "a whole number from 1 to 1000"},
    Number{"clients", &Specification::clients, 1, 100'000, true, "a whole number from 1 to 100000"},
    Number{"rate", &Specification::rate, 1e-5, 1000, false, "0.00001 to 1000 requests a second"},
    Number{"seconds", &Specification::seconds, 1, 1e7, false, "1 to 10000000 seconds"},
    Number{"zipf", &Specification::zipf, 0, 10, false, "0 to 10"},
    Number{"answer", &Specification::answer, 0.001, 86'400, false, "0.001 to 86400 seconds"},
};

constexpr std::array<std::string_view, 9> kNames{
    "models", "clients", "rate", "seconds", "zipf", "answer", "lengths", "sizes", "seed"
};

std::unexpected<Error> bad(std::string_view name, std::string_view value, std::string_view wanted) {
    return fail(
        Errc::Invalid,
        std::string(name) + "=" + printable(value, 40) + ": wants " + std::string(wanted)
    );
}

Result<void> read_number(Number const& number, std::string_view text, Specification& out) {
    double value = 0;
    auto const* const last = text.data() + text.size();
    auto const [end, error] = std::from_chars(text.data(), last, value);
    bool const is_good = error == std::errc() && end == last && value >= number.least &&
                         value <= number.most && (!number.is_whole || value == std::floor(value));
    if (!is_good) {
        return bad(number.name, text, number.wanted);
    }
    out.*number.value = value;
    return {};
}

Result<void> read_sizes(std::string_view text, Specification& out) {
    auto const dots = text.find("..");
    out.is_range = dots != std::string_view::npos;
    auto const parts =
        out.is_range ? std::vector{text.substr(0, dots), text.substr(dots + 2)} : split(text, '/');
    out.sizes.clear();
    for (std::string_view const part : parts) {
        auto const size = parse_bytes(part);
        if (!size || *size < kLeastSize || *size > kMostSize) {
            return bad("sizes", text, "a range 2GiB..20GiB or a list 4GiB/8GiB, each from 1MiB");
        }
        out.sizes.push_back(*size);
    }
    if (out.is_range && out.sizes[1] < out.sizes[0]) {
        return bad("sizes", text, "the smaller one first");
    }
    return {};
}

Result<void> read_part(std::string_view name, std::string_view value, Specification& out) {
    auto const number = std::ranges::find(kNumbers, name, &Number::name);
    if (number != kNumbers.end()) {
        return read_number(*number, value, out);
    }
    if (name == "sizes") {
        return read_sizes(value, out);
    }
    if (name == "lengths") {
        constexpr std::array<std::string_view, 3> kWords{"lognormal", "exponential", "equal"};
        auto const found = std::ranges::find(kWords, value);
        if (found == kWords.end()) {
            return bad(name, value, "lognormal, exponential or equal");
        }
        out.lengths = static_cast<Lengths>(found - kWords.begin());
        return {};
    }
    if (name == "seed") {
        auto const seed = parse_u64(value);
        if (!seed) {
            return bad(name, value, "a whole number, not below 0");
        }
        out.seed = *seed;
        return {};
    }
    std::string text = "\"" + printable(name, 40) + "\" is no part of a load";
    if (auto const near = nearest(name, kNames)) {
        return fail(Errc::Invalid, text + "; did you mean " + std::string(*near) + "?");
    }
    text += "; there are ";
    for (std::string_view const each : kNames) {
        text += (each == kNames.front() ? "" : ", ") + std::string(each);
    }
    return fail(Errc::Invalid, std::move(text));
}

Result<Specification> parse(std::string_view text) {
    Specification out;
    std::vector<std::string_view> seen;
    for (std::string_view part : split(text, ',')) {
        part = trim(part);
        if (part.empty()) {
            continue;
        }
        auto const sign = part.find('=');
        if (sign == std::string_view::npos) {
            return fail(
                Errc::Invalid, "\"" + printable(part, 40) + "\" has no value; write models=8"
            );
        }
        auto const name = trim(part.substr(0, sign));
        if (std::ranges::find(seen, name) != seen.end()) {
            return fail(Errc::Invalid, printable(name, 40) + " is said twice; once is enough");
        }
        seen.push_back(name);
        auto const read = read_part(name, trim(part.substr(sign + 1)), out);
        if (!read) {
            return fail(read.error());
        }
    }
    if (out.rate * out.seconds > kMostRequests) {
        return fail(
            Errc::Invalid,
            "rate times seconds is " + std::to_string(std::llround(out.rate * out.seconds)) +
                " requests, at most 2000000 are simulated; lower one of them"
        );
    }
    return out;
}

// splitmix64: the same numbers with every standard library.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    // Above 0 and below 1.
    double unit() {
        state_ += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
        z ^= z >> 31U;
        return (static_cast<double>(z >> 12U) + 0.5) * 0x1.0p-52;
    }

    double exponential(double mean) { return -std::log(unit()) * mean; }

    double normal() {
        double const radius = std::sqrt(-2 * std::log(unit()));
        return radius * std::cos(2 * std::numbers::pi * unit());
    }

  private:
    std::uint64_t state_;
};

class Generator {
  public:
    Generator(Specification specification, CsvOptions const& options)
        : spec_(std::move(specification)), options_(options), random_(spec_.seed) {}

    Workload run();

  private:
    void make_models();
    Bytes size_of(std::size_t model);
    std::size_t draw_model();
    double draw_answer();

    Specification spec_;
    CsvOptions const& options_;
    Random random_;
    std::vector<double> popularity_;  // summed up
    Workload out_;
};

Bytes Generator::size_of(std::size_t model) {
    if (!spec_.is_range) {
        return spec_.sizes[model % spec_.sizes.size()];
    }
    auto const low = static_cast<double>(spec_.sizes[0].count());
    auto const high = static_cast<double>(spec_.sizes[1].count());
    return Bytes(static_cast<std::uint64_t>(low * std::pow(high / low, random_.unit())));
}

void Generator::make_models() {
    double sum = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(spec_.models); ++i) {
        sum += std::pow(static_cast<double>(i + 1), -spec_.zipf);
        popularity_.push_back(sum);
        Model& model = out_.models.emplace_back();
        model.name = "model-" + std::to_string(i + 1);
        model.charge = size_of(i);
        auto const given = options_.sizes.find(model.name);
        model.charge = given != options_.sizes.end() ? given->second : model.charge;
        model.load =
            options_.load_base +
            from_seconds(static_cast<double>(model.charge.count()) / options_.load_bandwidth);
        model.unload = options_.unload;
    }
}

std::size_t Generator::draw_model() {
    auto const found = std::ranges::upper_bound(popularity_, random_.unit() * popularity_.back());
    auto const index = static_cast<std::size_t>(found - popularity_.begin());
    return std::min(index, popularity_.size() - 1);
}

double Generator::draw_answer() {
    switch (spec_.lengths) {
        case Lengths::LogNormal:
            // Of the logarithm the mean -1/2 and the deviation 1: then the mean is 1.
            return spec_.answer * std::exp(random_.normal() - 0.5);
        case Lengths::Exponential:
            return random_.exponential(spec_.answer);
        case Lengths::Equal:
            break;
    }
    return spec_.answer;
}

Workload Generator::run() {
    make_models();
    double at = random_.exponential(1 / spec_.rate);
    for (; at < spec_.seconds; at += random_.exponential(1 / spec_.rate)) {
        Request& request = out_.requests.emplace_back();
        request.arrival = from_seconds(at);
        request.model = draw_model();
        auto const client = static_cast<std::uint64_t>(random_.unit() * spec_.clients);
        request.client = "client-" + std::to_string(client + 1);
        request.service = from_seconds(draw_answer());
    }
    return std::move(out_);
}

}  // namespace

Result<Workload> generate(std::string_view specification, CsvOptions const& options) {
    auto parsed = parse(specification);
    if (!parsed) {
        return fail(parsed.error());
    }
    auto workload = Generator(std::move(*parsed), options).run();
    if (workload.requests.empty()) {
        return fail(Errc::Invalid, "no request arrives in that time; raise rate or seconds");
    }
    return workload;
}

}  // namespace plimsoll::trace
