#include "app/cli.hpp"
#include "app/simulate_source.hpp"
#include "app/simulate_view.hpp"
#include "support/catch.hpp"

#include <plimsoll/trace/csv.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::app;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kTrace =
    "time,model,seconds,size,client\n"
    "0,<small>,4,2GiB,anna\n"
    "1,large,6,6GiB,bert\n"
    "2,<small>,4,2GiB,cleo\n"
    "30,large,5,6GiB,anna\n"
    "31,<small>,5,2GiB,anna\n";

trace::Workload workload() {
    auto read = trace::parse_csv(kTrace, {});
    REQUIRE(read);
    return std::move(*read);
}

std::vector<Variant> variants_of(std::vector<Bytes> const& budgets) {
    std::vector<Variant> out;
    for (Bytes const budget : budgets) {
        core::SchedulerConfig config;
        config.budget = budget;
        auto simulated = trace::simulate(workload(), config);
        auto summary = trace::summarize(workload(), simulated, budget);
        out.push_back({config, std::move(simulated), std::move(summary)});
    }
    return out;
}

Exit refused(std::vector<std::string> words) {
    words.insert(words.begin(), "simulate");
    auto const result = parse_command_line(words, "http://127.0.0.1:11435");
    REQUIRE(std::holds_alternative<Exit>(result));
    return std::get<Exit>(result);
}

}  // namespace

TEST_CASE("simulate: the command line's lists and sizes are read", "[app][unit]") {
    std::vector<std::string> const words{
        "simulate",         "day.csv", "--budget",     "16GiB",      "--budget", "24 GiB",
        "--quantum-factor", "4",       "--patience",   "30s",        "--size",   "a:7b=5GiB",
        "--load-bandwidth", "1GB/s",   "--keep-alive", "-1",         "--by",     "client",
        "--picture",        "--svg",   "out.svg",      "--parallel", "4"
    };
    auto const result = parse_command_line(words, "http://127.0.0.1:11435");
    REQUIRE(std::holds_alternative<Command>(result));
    auto const& options = std::get<SimulateOptions>(std::get<Command>(result));
    CHECK(options.trace == "day.csv");
    CHECK(options.budgets == std::vector<Bytes>{gibibytes(16), gibibytes(24)});
    CHECK(options.quantum_factors == std::vector<double>{4});
    CHECK(options.patiences == std::vector<Duration>{30s});
    CHECK(options.csv.sizes.at("a:7b") == gibibytes(5));
    CHECK(options.csv.load_bandwidth == 1e9);
    CHECK(options.keep_alive == core::KeepAlive{core::KeepAlive::Kind::Forever, {}});
    CHECK_FALSE(options.max_loaded);
    CHECK(options.by == GroupBy::Client);
    CHECK(options.picture);
    CHECK(options.svg == "out.svg");
    CHECK(options.parallel == 4);
}

TEST_CASE("simulate: a wrong flag is named with what to write", "[app][unit]") {
    CHECK_THAT(refused({"--budget", "1GiB"}).err, ContainsSubstring("name a TRACE, or say --gen"));
    CHECK_THAT(
        refused({"day.csv", "--generate", "models=3"}).err,
        ContainsSubstring("two sources of requests; name one")
    );
    CHECK_THAT(
        refused({"day.csv", "--budget", "lots"}).err,
        ContainsSubstring("\"lots\" is no size; write 24GiB")
    );
    CHECK_THAT(
        refused({"day.csv", "--budget", "1GiB", "--size", "x"}).err,
        ContainsSubstring("\"x\" is no NAME=SIZE")
    );
    CHECK_THAT(
        refused({"day.csv", "--budget", "1GiB", "--patience", "soon"}).err,
        ContainsSubstring("\"soon\" is no time; write 15s")
    );
    CHECK(refused({"day.csv", "--budget", "1GiB", "--by", "moon"}).status == 2);
}

TEST_CASE("simulate: the table compares with the first in words", "[app][unit]") {
    auto const text = render_variants(variants_of({gibibytes(7), gibibytes(8)}), {});
    CHECK_THAT(text, ContainsSubstring("7 GiB"));
    CHECK_THAT(text, ContainsSubstring("With 8 GiB instead of 7 GiB a request waits "));
    CHECK_THAT(text, ContainsSubstring(" less on average"));
    CHECK_THAT(text, ContainsSubstring("with 2 loads instead of "));

    auto const one = render_variants(variants_of({gibibytes(8)}), {});
    CHECK(one.find("instead of") == std::string::npos);
    auto const small = render_variants(variants_of({gibibytes(3), gibibytes(8)}), {});
    CHECK_THAT(small, ContainsSubstring("Refused with 3 GiB: large"));
    CHECK_THAT(small, ContainsSubstring("the budget is 3 GiB"));
    CHECK_THAT(small, ContainsSubstring("(and 1 more)"));
}

TEST_CASE("simulate: groups, picture, JSON and SVG name every model safely", "[app][unit]") {
    auto const all = variants_of({gibibytes(8)});
    auto const models = render_groups(all.front(), GroupBy::Model, {});
    CHECK_THAT(models, ContainsSubstring("MODEL"));
    CHECK_THAT(models, ContainsSubstring("<small>"));
    auto const clients = render_groups(all.front(), GroupBy::Client, {});
    CHECK_THAT(clients, ContainsSubstring("anna"));
    CHECK(clients.find("LOADS") == std::string::npos);

    auto const picture = render_picture(workload(), all.front());
    CHECK(std::ranges::count(picture, '\n') == 6);
    CHECK_THAT(picture, ContainsSubstring("█"));
    CHECK_THAT(picture, ContainsSubstring("of 8 GiB"));

    auto const svg = render_svg(workload(), all.front());
    CHECK_THAT(svg, ContainsSubstring("&lt;small"));
    CHECK(svg.find("<small") == std::string::npos);
    CHECK(svg.ends_with("</svg>\n"));

    auto const json = variants_json(workload(), all);
    CHECK(json.at("requests").to_number<int>() == 5);
    auto const& variant = json.at("variants").as_array().at(0).as_object();
    CHECK(variant.at("served").to_number<int>() == 5);
    CHECK(variant.at("loads").to_number<int>() == 2);
    CHECK(variant.at("first_refusal").is_null());
    CHECK(variant.at("models").as_array().size() == 2);
    CHECK(variant.at("clients").as_array().size() == 3);
}

TEST_CASE("simulate: requests come from numbers, a table or a recording", "[app][unit]") {
    SimulateOptions options;
    options.generate = "models=3,rate=1,seconds=100";
    auto const made = read_source(options);
    REQUIRE(made);
    CHECK(made->workload.models.size() == 3);
    CHECK(made->config.budget.is_zero());
    options.generate = "models=many";
    CHECK_THAT(
        read_source(options).error().message, ContainsSubstring("--generate: models=many: ")
    );

    auto const folder = std::filesystem::temp_directory_path();
    auto const file = folder / ("plimsoll-source-" + std::to_string(::getpid()));
    auto const error_of = [&](std::string_view content) {
        std::ofstream(file) << content;
        options.trace = file.string();
        auto const read = read_source(options);
        return read ? std::string("none") : read.error().message;
    };
    CHECK(error_of(kTrace) == "none");
    CHECK_THAT(
        error_of("time\n"), ContainsSubstring(file.string() + ", line 1: there is no column")
    );
    CHECK_THAT(
        error_of("{\"x\""), ContainsSubstring(file.string() + ", line 1: the header is cut")
    );
    std::filesystem::remove(file);
    CHECK_THAT(
        read_source(options).error().message,
        ContainsSubstring("cannot read " + file.string() + ": No such file")
    );
    options.trace = folder.string();
    CHECK_THAT(read_source(options).error().message, ContainsSubstring(" is a folder; name a CSV"));
}
