#include "support/catch.hpp"

#include <plimsoll/trace/csv.hpp>

using namespace plimsoll;
using namespace plimsoll::trace;
using namespace std::chrono_literals;

namespace {

std::string problem(std::string_view text, CsvOptions const& options = {}) {
    auto const read = parse_csv(text, options);
    return read ? "none" : read.error().message;
}

}  // namespace

TEST_CASE("csv: columns in any order, lines in any order, spare ones ignored", "[trace][unit]") {
    auto const read = parse_csv(
        "model,seconds,colour,time,size,client,priority\r\n"
        "b, 2.5 ,red,30,3GiB,anna,high\r\n"
        "\r\n"
        "a,1,blue,10,4.5GiB,,\r\n"
        "b,0,,20,,bert,low\r\n",
        {}
    );
    REQUIRE(read);
    REQUIRE(read->models.size() == 2);
    CHECK(read->models[0].name == "b");
    CHECK(read->models[0].charge == gibibytes(3));
    CHECK(read->models[1].charge == mebibytes(4608));
    CHECK(read->models[0].unload == 1s);
    CHECK(to_seconds(read->models[0].load) > 2.1);
    CHECK(to_seconds(read->models[0].load) < 2.2);
    REQUIRE(read->requests.size() == 3);
    CHECK(read->requests[0].arrival == 0s);
    CHECK(read->requests[0].model == 1);
    CHECK(read->requests[1].arrival == 10s);
    CHECK(read->requests[1].priority == core::Priority::Low);
    CHECK(read->requests[2].arrival == 20s);
    CHECK(read->requests[2].service == 2500ms);
    CHECK(read->requests[2].client == "anna");
    CHECK(read->requests[2].priority == core::Priority::High);
}

TEST_CASE("csv: dates, given sizes and given times", "[trace][unit]") {
    CsvOptions options;
    options.sizes["m:1b"] = gibibytes(2);
    auto const read = parse_csv(
        "time,model,seconds,load_seconds,unload_seconds\n"
        "2024-12-31 23:59:50,m:1b,1,7,0.25\n"
        "2025-01-01T00:00:10.5,m:1b,1,,\n",
        options
    );
    REQUIRE(read);
    CHECK(read->models[0].charge == gibibytes(2));
    CHECK(read->models[0].load == 7s);
    CHECK(read->models[0].unload == 250ms);
    CHECK(read->requests[1].arrival == 20500ms);
    CHECK(read->requests[0].client != read->requests[1].client);
}

TEST_CASE("csv: what is wrong is said with its line and what to write", "[trace][unit]") {
    CHECK(problem("") == "line 1: there is no request");
    CHECK(problem("time,model,seconds\n") == "line 2: there is no request");
    CHECK(
        problem("time,seconds\n1,2\n") ==
        "line 1: there is no column \"model\"; the first line names the columns, among them time, "
        "model and seconds"
    );
    CHECK(
        problem("time,model,seconds,size\n1,m,2,4GiB\nnoon,m,2,\n") ==
        "line 3: \"noon\" is no time; write seconds or 2026-11-23 16:57:50"
    );
    CHECK(
        problem("time,model,seconds,size\n1,m,-2,4GiB\n") ==
        "line 2: \"-2\" is no seconds; write a number of seconds from 0 to 1000000"
    );
    CHECK(
        problem("time,model,seconds,size\n1,m,2,big\n") ==
        "line 2: \"big\" is no size; write 5.2GiB"
    );
    CHECK(problem("time,model,seconds,size\n1,,2,4GiB\n") == "line 2: the model has no name");
    CHECK(
        problem("time,model,seconds\n1,m,2\n") ==
        "line 2: the size of m is not known; add a column \"size\", or say --size m=5GiB"
    );
    CHECK(
        problem("time,model,seconds,size,priority\n1,m,2,1GiB,urgent\n") ==
        "line 2: \"urgent\" is no priority; write low, normal or high"
    );
    for (auto const* bad :
         {"nan", "inf", "1e13", "2024-13-01 00:00:00", "2024-12-01 24:00:00", ""}) {
        auto const text = "time,model,seconds,size\n" + std::string(bad) + ",m,2,1GiB\n";
        CHECK(problem(text).find("is no time") != std::string::npos);
    }
}

TEST_CASE("csv: what does not fit into the clock is refused", "[trace]") {
    CHECK(
        problem(
            "time,model,seconds,size\n2026-11-23 16:57:50,m,1,1GiB\n9217-11-23 16:57:50,m,1,1GiB\n"
        ) ==
        "line 3: its time is more than three years after the first one's; is one of the dates "
        "mistyped?"
    );
    std::string text = "time,model,seconds,size,load_seconds\n";
    for (int i = 0; i < 5000; ++i) {
        text += "1,m,1000000,1GiB,1000000\n";
    }
    CHECK(
        problem(text) ==
        "all answers and loads together take more than 150 years; are \"seconds\" and "
        "\"load_seconds\" in another unit?"
    );
}
