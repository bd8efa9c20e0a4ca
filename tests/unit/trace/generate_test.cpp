#include "support/catch.hpp"

#include <plimsoll/trace/generate.hpp>

#include <map>
#include <set>

using namespace plimsoll;
using namespace plimsoll::trace;
using namespace std::chrono_literals;

namespace {

Workload made(std::string_view specification, CsvOptions const& options = {}) {
    auto workload = generate(specification, options);
    INFO((workload ? "" : workload.error().message));
    REQUIRE(workload);
    return std::move(*workload);
}

std::string problem(std::string_view specification) {
    auto const workload = generate(specification, {});
    return workload ? "none" : workload.error().message;
}

double mean_answer(Workload const& workload) {
    double sum = 0;
    for (auto const& request : workload.requests) {
        sum += to_seconds(request.service);
    }
    return sum / static_cast<double>(workload.requests.size());
}

}  // namespace

TEST_CASE("generate: as many models, clients and requests as asked for", "[trace][unit]") {
    auto const workload = made("models=5, clients=3,rate=2,seconds=5000,seed=7");
    REQUIRE(workload.models.size() == 5);
    CHECK(workload.models[0].name == "model-1");
    CHECK(workload.models[4].unload == 1s);
    for (auto const& model : workload.models) {
        CHECK(model.charge >= gibibytes(2));
        CHECK(model.charge <= gibibytes(20));
        CHECK(model.load > 1s);
    }
    CHECK(workload.requests.size() > 9'500);
    CHECK(workload.requests.size() < 10'500);
    std::set<std::string> clients;
    std::map<std::size_t, std::size_t> asked;
    Duration last{};
    for (auto const& request : workload.requests) {
        CHECK(request.arrival >= last);
        last = request.arrival;
        clients.insert(request.client);
        ++asked[request.model];
    }
    CHECK(last < 5000s);
    CHECK(clients == std::set<std::string>{"client-1", "client-2", "client-3"});
    CHECK(asked[0] > asked[1]);
    CHECK(asked[1] > asked[4]);
}

TEST_CASE("generate: the same seed gives the same load, another one another", "[trace][unit]") {
    auto const one = made("seed=1");
    auto const again = made("seed=1");
    auto const other = made("seed=2");
    REQUIRE(one.requests.size() == again.requests.size());
    for (std::size_t i = 0; i < one.requests.size(); ++i) {
        REQUIRE(one.requests[i].arrival == again.requests[i].arrival);
        REQUIRE(one.requests[i].service == again.requests[i].service);
    }
    CHECK(one.requests.front().arrival != other.requests.front().arrival);
}

TEST_CASE("generate: answers have the mean asked for in every distribution", "[trace][unit]") {
    for (std::string const lengths : {"lognormal", "exponential", "equal"}) {
        CAPTURE(lengths);
        auto const workload = made("rate=5,seconds=10000,answer=20,lengths=" + lengths);
        CHECK(mean_answer(workload) > 19);
        CHECK(mean_answer(workload) < 21);
    }
    auto const equal = made("answer=3,lengths=equal");
    CHECK(equal.requests.front().service == 3s);
    CHECK(equal.requests.back().service == 3s);
}

TEST_CASE("generate: sizes come from a range or a list, and by name", "[trace][unit]") {
    auto const list = made("models=3,sizes=4GiB/8GiB");
    CHECK(list.models[0].charge == gibibytes(4));
    CHECK(list.models[1].charge == gibibytes(8));
    CHECK(list.models[2].charge == gibibytes(4));
    CsvOptions options;
    options.sizes["model-2"] = gibibytes(1);
    options.load_bandwidth = static_cast<double>(gibibytes(1).count());
    auto const named = made("models=2,sizes=6GiB..6GiB", options);
    CHECK(named.models[0].charge >= gibibytes(6) - mebibytes(1));
    CHECK(named.models[1].charge == gibibytes(1));
    CHECK(named.models[1].load == 1500ms);
    auto const flat = made("models=2,zipf=0,rate=10");
    auto const first = std::ranges::count(flat.requests, 0U, &Request::model);
    CHECK(std::abs(2 * first - static_cast<std::ptrdiff_t>(flat.requests.size())) < 1000);
}

TEST_CASE("generate: what is wrong is named with what it may be", "[trace][unit]") {
    CHECK(problem("models=0") == "models=0: wants a whole number from 1 to 1000");
    CHECK(problem("models=2.5") == "models=2.5: wants a whole number from 1 to 1000");
    CHECK(problem("rate=fast") == "rate=fast: wants 0.00001 to 1000 requests a second");
    CHECK(problem("rate=nan") == "rate=nan: wants 0.00001 to 1000 requests a second");
    CHECK(problem("seconds=") == "seconds=: wants 1 to 10000000 seconds");
    CHECK(problem("zipf=-1") == "zipf=-1: wants 0 to 10");
    CHECK(problem("answer=1e9") == "answer=1e9: wants 0.001 to 86400 seconds");
    CHECK(problem("lengths=long") == "lengths=long: wants lognormal, exponential or equal");
    CHECK(problem("seed=-1") == "seed=-1: wants a whole number, not below 0");
    CHECK_THAT(problem("sizes=big"), ContainsSubstring("sizes=big: wants a range 2GiB..20GiB or"));
    CHECK_THAT(problem("sizes=1GiB.."), ContainsSubstring("wants a range"));
    CHECK_THAT(problem("sizes=4GiB..1GiB"), ContainsSubstring("wants the smaller one first"));
    CHECK(problem("modls=3") == "\"modls\" is no part of a load; did you mean models?");
    CHECK_THAT(
        problem("x=3"), ContainsSubstring("\"x\" is no part of a load; there are models, clients,")
    );
    CHECK(problem("models") == "\"models\" has no value; write models=8");
    CHECK(problem("rate=1,rate=2") == "rate is said twice; once is enough");
    CHECK_THAT(
        problem("rate=1000,seconds=1e6"),
        ContainsSubstring("is 1000000000 requests, at most 2000000 are simulated")
    );
    CHECK_THAT(problem("rate=0.00001,seconds=1"), ContainsSubstring("raise rate or seconds"));
}
