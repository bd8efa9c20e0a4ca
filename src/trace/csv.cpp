#include <plimsoll/base/text.hpp>
#include <plimsoll/trace/csv.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace plimsoll::trace {

namespace {

constexpr double kLongest = 1e6;  // seconds; of an answer or a load: eleven days
constexpr double kSpan = 1e8;     // between the first and the last request: three years
// All answers and loads one after the other; what is more does not fit into the clock.
constexpr double kTotal = 5e9;

enum Column : std::uint8_t {
    Time,
    Name,
    Seconds,
    Size,
    LoadSeconds,
    UnloadSeconds,
    Client,
    Priority,
    kColumns
};

constexpr std::array<std::string_view, kColumns> kNames{
    "time", "model", "seconds", "size", "load_seconds", "unload_seconds", "client", "priority"
};
constexpr std::size_t kRequired = 3;  // the first of them

std::optional<double> number(std::string_view text) {
    double value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool const is_whole = error == std::errc() && end == text.data() + text.size();
    return is_whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<double> seconds_in(std::string_view text) {
    auto const value = number(text);
    return value && *value >= 0 && *value <= kLongest ? value : std::nullopt;
}

// "2026-11-23 16:57:50", with a T for the blank and with decimals if need be, in seconds.
std::optional<double> date_in(std::string_view text) {
    auto const digits = [&](std::size_t begin, std::size_t size) {
        return begin + size <= text.size() ? parse_u64(text.substr(begin, size)) : std::nullopt;
    };
    auto const year = digits(0, 4);
    auto const month = digits(5, 2);
    auto const day = digits(8, 2);
    auto const hour = digits(11, 2);
    auto const minute = digits(14, 2);
    auto const second = text.size() >= 19 ? number(text.substr(17)) : std::nullopt;
    bool const is_shaped = text.size() >= 19 && text[4] == '-' && text[7] == '-' &&
                           (text[10] == ' ' || text[10] == 'T') && text[13] == ':' &&
                           text[16] == ':';
    if (!is_shaped || !year || !month || !day || !hour || !minute || !second || *hour > 23 ||
        *minute > 59 || *second < 0 || *second >= 61) {
        return std::nullopt;
    }
    std::chrono::year_month_day const date(
        std::chrono::year(static_cast<int>(*year)),
        std::chrono::month(static_cast<unsigned>(*month)),
        std::chrono::day(static_cast<unsigned>(*day))
    );
    if (!date.ok()) {
        return std::nullopt;
    }
    auto const days = std::chrono::sys_days(date).time_since_epoch().count();
    return static_cast<double>(days) * 86'400 + static_cast<double>(*hour * 3'600 + *minute * 60) +
           *second;
}

std::optional<core::Priority> priority_in(std::string_view text) {
    if (text == "low") {
        return core::Priority::Low;
    }
    if (text == "high") {
        return core::Priority::High;
    }
    return text.empty() || text == "normal" ? std::optional(core::Priority::Normal) : std::nullopt;
}

class Reader {
  public:
    explicit Reader(CsvOptions const& options) : options_(options) {}

    Result<Workload> read(std::string_view text);

  private:
    Result<void> read_names(std::string_view line);
    Result<void> read_request(std::string_view line);
    Result<void> read_model(std::size_t model);
    Result<void> check_length();
    Result<Workload> finish();
    [[nodiscard]] std::unexpected<Error> bad(std::string what) const;
    [[nodiscard]] std::unexpected<Error> bad_cell(Column column, std::string_view wanted) const;

    [[nodiscard]] std::string_view cell(Column column) const {
        auto const at = places_[column];
        return at && *at < cells_.size() ? trim(cells_[*at]) : std::string_view();
    }

    struct Known {
        std::optional<Bytes> size;
        std::optional<Duration> load, unload;
        std::size_t line = 0;  // of its first request
    };

    CsvOptions const& options_;
    std::array<std::optional<std::size_t>, kColumns> places_;
    std::vector<std::string_view> cells_;
    std::size_t line_ = 0;
    std::vector<double> times_;
    std::vector<std::size_t> lines_;  // of the requests
    std::vector<Known> known_;
    std::unordered_map<std::string, std::size_t> index_;
    Workload out_;
};

std::unexpected<Error> Reader::bad(std::string what) const {
    return fail(Errc::Invalid, "line " + std::to_string(line_) + ": " + std::move(what));
}

std::unexpected<Error> Reader::bad_cell(Column column, std::string_view wanted) const {
    return bad(
        "\"" + printable(cell(column), 40) + "\" is no " + std::string(kNames[column]) +
        "; write " + std::string(wanted)
    );
}

Result<void> Reader::read_names(std::string_view line) {
    auto const names = split(line, ',');
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto const found = std::ranges::find(kNames, trim(names[i]));
        if (found != kNames.end()) {
            places_[static_cast<std::size_t>(found - kNames.begin())] = i;
        }
    }
    for (std::size_t i = 0; i < kRequired; ++i) {
        if (!places_[i]) {
            return bad(
                "there is no column \"" + std::string(kNames[i]) +
                "\"; the first line names the columns, among them time, model and seconds"
            );
        }
    }
    return {};
}

Result<void> Reader::read_model(std::size_t model) {
    Known& known = known_[model];
    if (!cell(Size).empty()) {
        known.size = parse_bytes(cell(Size));
        if (!known.size) {
            return bad_cell(Size, "5.2GiB");
        }
    }
    for (auto const& [column, time] :
         {std::pair(LoadSeconds, &known.load), std::pair(UnloadSeconds, &known.unload)}) {
        if (cell(column).empty()) {
            continue;
        }
        auto const seconds = seconds_in(cell(column));
        if (!seconds) {
            return bad_cell(column, "a number of seconds from 0 to 1000000");
        }
        *time = from_seconds(*seconds);
    }
    return {};
}

Result<void> Reader::read_request(std::string_view line) {
    cells_ = split(line, ',');
    auto time = number(cell(Time));
    if (!time) {
        time = date_in(cell(Time));
    }
    if (!time || std::abs(*time) > 1e12) {
        return bad_cell(Time, "seconds or 2026-11-23 16:57:50");
    }
    auto const seconds = seconds_in(cell(Seconds));
    if (!seconds) {
        return bad_cell(Seconds, "a number of seconds from 0 to 1000000");
    }
    auto const priority = priority_in(cell(Priority));
    if (!priority) {
        return bad_cell(Priority, "low, normal or high");
    }
    std::string name(cell(Name));
    if (name.empty()) {
        return bad("the model has no name");
    }
    auto const [found, is_new] = index_.try_emplace(name, known_.size());
    if (is_new) {
        known_.emplace_back().line = line_;
        out_.models.emplace_back().name = std::move(name);
    }
    auto const model = read_model(found->second);
    if (!model) {
        return model;
    }
    std::string client(cell(Client));
    if (client.empty()) {
        client = "request " + std::to_string(times_.size() + 1);
    }
    times_.push_back(*time);
    lines_.push_back(line_);
    Request& request = out_.requests.emplace_back();
    request.model = found->second;
    request.service = from_seconds(*seconds);
    request.client = std::move(client);
    request.priority = *priority;
    return {};
}

Result<void> Reader::check_length() {
    auto const [first, last] = std::ranges::minmax_element(times_);
    if (*last - *first > kSpan) {
        line_ = lines_[static_cast<std::size_t>(last - times_.begin())];
        return bad(
            "its time is more than three years after the first one's; is one of the dates mistyped?"
        );
    }
    double total = *last - *first;
    for (Request const& request : out_.requests) {
        Model const& model = out_.models[request.model];
        total += to_seconds(request.service) + to_seconds(model.load) + to_seconds(model.unload);
    }
    if (total > kTotal) {
        return fail(
            Errc::Invalid,
            "all answers and loads together take more than 150 years; are \"seconds\" and "
            "\"load_seconds\" in another unit?"
        );
    }
    return {};
}

Result<Workload> Reader::finish() {
    for (std::size_t i = 0; i < known_.size(); ++i) {
        Model& model = out_.models[i];
        auto const given = options_.sizes.find(model.name);
        auto const size =
            given != options_.sizes.end() ? std::optional(given->second) : known_[i].size;
        if (!size || size->is_zero()) {
            line_ = known_[i].line;
            return bad(
                "the size of " + printable(model.name, 80) +
                " is not known; add a column \"size\", or say --size " + printable(model.name, 80) +
                "=5GiB"
            );
        }
        model.charge = *size;
        model.load = known_[i].load.value_or(
            options_.load_base +
            from_seconds(
                std::min(static_cast<double>(size->count()) / options_.load_bandwidth, kSpan)
            )
        );
        model.unload = known_[i].unload.value_or(options_.unload);
    }
    auto const length = check_length();
    if (!length) {
        return fail(length.error());
    }
    std::vector<std::size_t> order(times_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, [this](std::size_t a, std::size_t b) {
        return std::tie(times_[a], a) < std::tie(times_[b], b);
    });
    std::vector<Request> sorted;
    sorted.reserve(order.size());
    for (std::size_t const at : order) {
        Request& request = sorted.emplace_back(std::move(out_.requests[at]));
        request.arrival = from_seconds(times_[at] - times_[order.front()]);
    }
    out_.requests = std::move(sorted);
    return std::move(out_);
}

Result<Workload> Reader::read(std::string_view text) {
    bool has_names = false;
    for (std::string_view line : split(text, '\n')) {
        ++line_;
        line = trim(line);
        if (line.empty()) {
            continue;
        }
        auto const read = has_names ? read_request(line) : read_names(line);
        if (!read) {
            return fail(read.error());
        }
        has_names = true;
    }
    if (times_.empty()) {
        return bad("there is no request");
    }
    return finish();
}

}  // namespace

Result<Workload> parse_csv(std::string_view text, CsvOptions const& options) {
    return Reader(options).read(text);
}

}  // namespace plimsoll::trace
