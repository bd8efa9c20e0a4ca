// Specifications and texts as anybody may send them. What is accepted can be rendered, and its
// conditions judged, whatever a step gave; what is refused says where and why.

#include <plimsoll/chain/spec.hpp>

#include <boost/json/parse.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace plimsoll;

namespace {

constexpr std::size_t kLimit = 10'000;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void render(chain::Template const& text) {
    std::size_t places = 0;
    auto const out = text.render(
        [&](chain::Reference const& reference) {
            ++places;
            // What is written is read back as the same place.
            auto const again = chain::Template::parse(reference.written());
            require(again && again->references().size() == 1);
            require(again->references().front().kind == reference.kind);
            require(again->references().front().name == reference.name);
            return std::string_view("{value}");
        },
        kLimit
    );
    require(out ? out->size() <= kLimit : out.error().code == Errc::TooLarge);
    require(!out || places == text.references().size());
}

void visit(std::vector<chain::Step> const& steps) {
    for (chain::Step const& step : steps) {
        require(!step.pointer.empty());
        require(step.name.empty() || chain::is_name(step.name));
        render(step.instruction);
        render(step.items);
        if (step.system) {
            render(*step.system);
        }
        visit(step.steps);
    }
}

void check(chain::Spec const& spec, std::string_view given) {
    require(!spec.steps.empty());
    visit(spec.steps);
    for (chain::Breaker const& breaker : spec.breakers) {
        chain::StepOutcome outcome;
        outcome.name = "one";
        outcome.number = 1;
        outcome.output = given;
        static_cast<void>(chain::is_met(breaker.when, outcome));
        outcome.error = chain::StepError::Timeout;
        static_cast<void>(chain::is_met(breaker.when, outcome));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if (auto const parsed = chain::Template::parse(text)) {
        render(*parsed);
    } else {
        require(parsed.error().starts_with("column "));
    }
    boost::json::parse_options options;
    options.max_depth = 100;
    boost::system::error_code error;
    auto const document = boost::json::parse(text, error, {}, options);
    if (error) {
        return 0;
    }
    if (auto const spec = chain::parse_spec(document)) {
        check(*spec, text);
    } else {
        require(!spec.error().empty());
        for (chain::Problem const& problem : spec.error()) {
            require(!problem.message.empty());
            require(problem.pointer.empty() || problem.pointer.front() == '/');
        }
    }
    return 0;
}
