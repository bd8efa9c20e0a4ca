// How long it takes to find the members of a large request body, against parsing it into a tree
// with Boost.JSON. Same process, same bytes, rounds interleaved; the ratio of the medians is what
// counts.

#include <plimsoll/http/members.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

std::string base64_like(std::size_t size) {
    static constexpr char kAlphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out(size, 'A');
    unsigned state = 12345;
    for (auto& c : out) {
        state = state * 1664525U + 1013904223U;
        c = kAlphabet[state >> 26];
    }
    return out;
}

// One chat with one image of that many bytes.
std::string image_body(std::size_t size) {
    return R"({"model":"llava:7b","stream":false,"messages":[{"role":"user","content":"what is this?","images":[")" +
           base64_like(size) +
           R"("]}],"options":{"num_ctx":8192,"temperature":0.5},"keep_alive":"5m"})";
}

// A long conversation: many short members, escapes, text beyond ASCII.
std::string chat_body(std::size_t size) {
    std::string out = R"({"model":"llama3:8b","messages":[)";
    while (out.size() < size) {
        out +=
            R"({"role":"user","content":"Zeile eins \u00fcber alles\nund \"zwei\" mit etwas mehr Text dahinter"},)";
        out += R"({"role":"assistant","content":"A short answer.","done":true,"n":[1,2.5,-3e7]},)";
    }
    return out + R"({"role":"user","content":"end"}],"options":{"num_ctx":8192},"keep_alive":-1})";
}

template <class Work>
double seconds(Work work) {
    auto const begin = Clock::now();
    work();
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

bool compare(char const* what, std::string const& body, int rounds) {
    std::vector<double> ours;
    std::vector<double> theirs;
    std::size_t seen = 0;
    for (int round = 0; round < rounds; ++round) {
        ours.push_back(seconds([&] { seen += plimsoll::http::find_members(body)->value_end; }));
        theirs.push_back(seconds([&] { seen += boost::json::parse(body).as_object().size(); }));
    }
    double const ratio = median(theirs) / median(ours);
    std::printf(
        "%-12s %9zu bytes  find_members %8.3f ms  boost::json::parse %8.3f ms  ratio %5.1f\n",
        what,
        body.size(),
        median(ours) * 1e3,
        median(theirs) * 1e3,
        ratio
    );
    return seen > 0 && ratio >= 2;
}

}  // namespace

int main() {
    bool const image = compare("image 50 MB", image_body(50'000'000), 11);
    bool const chat = compare("chat 5 MB", chat_body(5'000'000), 11);
    bool const small = compare("chat 130 B", chat_body(10), 2001);
    // The demand is about large bodies; the small one is printed for orientation.
    static_cast<void>(small);
    return image && chat ? 0 : 1;
}
