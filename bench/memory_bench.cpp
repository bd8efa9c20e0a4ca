// Time of one prediction and one fit from parsed metadata. Arguments: answers of /api/show, by
// file.

#include <plimsoll/memory/predict.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace plimsoll;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 2000;
constexpr int kFits = 200;

struct Times {
    std::vector<double> microseconds;

    [[nodiscard]] double at(double share) {
        auto const nth =
            microseconds.begin() +
            static_cast<std::ptrdiff_t>(share * static_cast<double>(microseconds.size() - 1));
        std::ranges::nth_element(microseconds, nth);
        return *nth;
    }
};

template <class Work>
void measure(Times& times, int rounds, Work work) {
    for (int i = 0; i < rounds; ++i) {
        auto const begin = Clock::now();
        work(i);
        times.microseconds.push_back(
            std::chrono::duration<double, std::micro>(Clock::now() - begin).count()
        );
    }
}

}  // namespace

int main(int argc, char* argv[]) {
    Times predictions, fits;
    std::uint64_t sum = 0;
    for (int i = 1; i < argc; ++i) {
        std::ifstream in(argv[i]);
        std::string const text(std::istreambuf_iterator<char>(in), {});
        auto const geometry = memory::read_geometry(boost::json::parse(text).as_object());
        memory::Settings settings;
        settings.kv_type = memory::KvType::Q8_0;
        measure(predictions, kRounds, [&](int round) {
            settings.num_ctx = 1024 + 256 * static_cast<std::uint32_t>(round);
            sum += memory::predict(geometry, Bytes(), settings).total.count();
        });
        auto const least = memory::predict(geometry, Bytes(), {}).booked;
        measure(fits, kFits, [&](int round) {
            Bytes const budget = least + mebibytes(100 * static_cast<std::uint64_t>(round));
            sum += memory::largest_num_ctx(geometry, Bytes(), {}, {}, budget, memory::FitBy::Booked)
                       .value_or(0);
        });
    }
    if (argc < 2) {
        std::fprintf(stderr, "usage: bench_memory SHOW.json...\n");
        return 2;
    }
    std::printf(
        "prediction: median %.2f us, p99 %.2f us\n", predictions.at(0.5), predictions.at(0.99)
    );
    std::printf("fit:        median %.2f us, p99 %.2f us\n", fits.at(0.5), fits.at(0.99));
    return sum == 0 ? 1 : 0;
}
