#include "support/catch.hpp"

#include <plimsoll/http/trace_context.hpp>

#include <string>
#include <string_view>

using namespace plimsoll;

namespace {

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kParent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

http::Fields with(std::string_view value) {
    http::Fields fields;
    fields.add("traceparent", value);
    return fields;
}

}  // namespace

TEST_CASE("trace context: the fields are taken as they came", "[http][unit]") {
    http::Fields fields;
    fields.add("TraceParent", kParent);
    fields.add("tracestate", "congo=t61rcWkgMzE");
    auto const context = http::read_trace_context(fields);
    CHECK(context.parent == kParent);
    CHECK(context.state == "congo=t61rcWkgMzE");
    CHECK(http::trace_id(fields) == kTrace);
}

TEST_CASE("trace context: a later version may say more", "[http][unit]") {
    CHECK(http::trace_id(with("cc" + std::string(kParent).substr(2) + "-what")) == kTrace);
    CHECK(http::trace_id(with("cc" + std::string(kParent).substr(2) + "what")).empty());
}

TEST_CASE("trace context: what is malformed is no trace", "[http][unit]") {
    std::string const right = kParent;
    for (std::string const& wrong : std::initializer_list<std::string>{
             std::string(),
             std::string("00"),
             right.substr(0, 54),
             right + "-what",
             "ff" + right.substr(2),
             "0G" + right.substr(2),
             "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
             "00-00000000000000000000000000000000-b7ad6b7169203331-01",
             "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
             "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
             "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x"
         }) {
        CAPTURE(wrong);
        CHECK(http::trace_id(with(wrong)).empty());
        CHECK(http::read_trace_context(with(wrong)).parent.empty());
    }
}

TEST_CASE("trace context: two of them are none", "[http][unit]") {
    auto fields = with(kParent);
    fields.add("traceparent", kParent);
    CHECK(http::trace_id(fields).empty());
    CHECK(http::read_trace_context({}).parent.empty());
}
