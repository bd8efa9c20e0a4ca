// Conditions as they are written.
#include "chain/spec/reader.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/chain/breaker.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <re2/re2.h>
#include <spdlog/fmt/fmt.h>

#include <array>
#include <utility>

namespace plimsoll::chain {

namespace {

constexpr std::size_t kLongestPattern = 1000;
constexpr std::int64_t kRegexMemory = 1 << 20;  // of its compiled form
constexpr std::size_t kDeepest = 16;
constexpr Duration kLongest = std::chrono::hours(24 * 7);
constexpr std::int64_t kLongestText = 1 << 30;

using Kind = Condition::Kind;
using Compare = Condition::Compare;

constexpr std::array kErrors{
    StepError::ModelManagement,
    StepError::Timeout,
    StepError::Upstream,
    StepError::Tool,
    StepError::Refused,
};

constexpr std::array<std::pair<std::string_view, Kind>, 4> kTexts{{
    {"step", Kind::Step},
    {"contains", Kind::Contains},
    {"equals", Kind::Equals},
    {"regex", Kind::Regex},
}};

constexpr std::array<std::pair<std::string_view, Compare>, 5> kCompares{{
    {"exists", Compare::Exists},
    {"equals", Compare::Equals},
    {"not_equals", Compare::NotEquals},
    {"less_than", Compare::Less},
    {"greater_than", Compare::Greater},
}};

Condition of_kind(Kind kind) {
    Condition out;
    out.kind = kind;
    return out;
}

// A name, or a number.
std::optional<std::string> step_of(Reader& reader) {
    auto const* const value = reader.find("step");
    bool const is_number = value != nullptr && value->is_int64() && value->get_int64() > 0;
    return is_number ? std::optional(std::to_string(value->get_int64())) : reader.text("step");
}

class ConditionParser {
  public:
    explicit ConditionParser(std::vector<Problem>& problems) : problems_(problems) {}

    Condition parse(boost::json::value const& value, std::string const& pointer, std::size_t depth);

  private:
    void texts(Reader& reader, std::vector<Condition>& out);
    void regex(Reader& reader, Condition& condition);
    static void lengths(Reader& reader, std::vector<Condition>& out);
    void json(Reader& reader, std::vector<Condition>& out);
    static void error(Reader& reader, std::vector<Condition>& out);
    void trees(Reader& reader, std::vector<Condition>& out, std::size_t depth);

    std::vector<Problem>& problems_;
};

void ConditionParser::regex(Reader& reader, Condition& condition) {
    if (condition.text.size() > kLongestPattern) {
        reader.note(
            "regex",
            fmt::format(
                "has {} bytes, and at most {} are allowed", condition.text.size(), kLongestPattern
            )
        );
        return;
    }
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(!condition.ignores_case);
    options.set_max_mem(kRegexMemory);
    auto const compiled = std::make_shared<re2::RE2 const>(condition.text, options);
    if (!compiled->ok()) {
        reader.note(
            "regex",
            fmt::format(
                "is no regular expression of RE2: {}; it knows no back-references and no "
                "look-around",
                printable(compiled->error(), 200)
            )
        );
        return;
    }
    condition.regex = compiled;
}

void ConditionParser::texts(Reader& reader, std::vector<Condition>& out) {
    bool const ignores_case = reader.boolean("ignore_case").value_or(false);
    for (auto const& [key, kind] : kTexts) {
        auto text = kind == Kind::Step ? step_of(reader) : reader.text(key);
        if (!text) {
            continue;
        }
        Condition condition = of_kind(kind);
        condition.text = std::move(*text);
        condition.ignores_case = ignores_case;
        if (condition.text.empty() && kind != Kind::Equals) {
            reader.note(key, "is empty");
        }
        if (kind == Kind::Regex) {
            regex(reader, condition);
        }
        out.push_back(std::move(condition));
    }
}

void ConditionParser::lengths(Reader& reader, std::vector<Condition>& out) {
    for (auto const& [key, kind] :
         {std::pair("longer_than", Kind::LongerThan), std::pair("shorter_than", Kind::ShorterThan)
         }) {
        if (auto const length = reader.whole(key, 0, kLongestText)) {
            out.push_back(of_kind(kind));
            out.back().length = static_cast<std::uint64_t>(*length);
        }
    }
    if (auto const elapsed = reader.seconds("elapsed", Duration(), kLongest)) {
        out.push_back(of_kind(Kind::Elapsed));
        out.back().elapsed = *elapsed;
    }
}

void ConditionParser::json(Reader& reader, std::vector<Condition>& out) {
    auto const* const value = reader.find("json");
    if (value == nullptr) {
        return;
    }
    Reader test(*value, pointer_to(reader.pointer(), "json"), problems_);
    Condition condition = of_kind(Kind::Json);
    condition.text = test.text("pointer").value_or("");
    if (!condition.text.empty() && condition.text.front() != '/') {
        test.note("pointer", "is no JSON pointer: it is empty, or begins with /, as in \"/score\"");
    }
    std::size_t found = 0;
    for (auto const& [key, compare] : kCompares) {
        auto const* const wanted = test.find(key);
        if (wanted == nullptr) {
            continue;
        }
        ++found;
        condition.compare = compare;
        condition.value = *wanted;
        if (compare == Compare::Exists && !wanted->is_bool()) {
            test.note(key, "wants true or false");
        }
        bool const is_ordered = compare == Compare::Less || compare == Compare::Greater;
        if (is_ordered && !wanted->is_number()) {
            test.note(key, "wants a number");
        }
    }
    if (found != 1 && value->is_object()) {
        test.note("wants one of exists, equals, not_equals, less_than, greater_than");
    }
    test.finish();
    out.push_back(std::move(condition));
}

void ConditionParser::error(Reader& reader, std::vector<Condition>& out) {
    auto const word = reader.text("error");
    if (!word) {
        return;
    }
    Condition condition = of_kind(Kind::Error);
    std::string all = "any";
    bool is_known = *word == "any";
    for (StepError const error : kErrors) {
        all += fmt::format(", {}", to_string(error));
        if (*word == to_string(error)) {
            condition.error = error;
            is_known = true;
        }
    }
    if (!is_known) {
        reader.note(
            "error",
            fmt::format("\"{}\" is no kind of error; there are {}", printable(*word, 60), all)
        );
    }
    out.push_back(std::move(condition));
}

void ConditionParser::trees(Reader& reader, std::vector<Condition>& out, std::size_t depth) {
    for (auto const& [key, kind] : {std::pair("any", Kind::Any), std::pair("all", Kind::All)}) {
        auto const* const list = reader.list(key);
        if (list == nullptr) {
            continue;
        }
        if (list->empty()) {
            reader.note(key, "is empty");
        }
        Condition tree = of_kind(kind);
        std::string const pointer = pointer_to(reader.pointer(), key);
        for (std::size_t i = 0; i < list->size(); ++i) {
            tree.parts.push_back(parse((*list)[i], pointer_to(pointer, i), depth + 1));
        }
        out.push_back(std::move(tree));
    }
    if (auto const* const value = reader.find("not")) {
        Condition tree = of_kind(Kind::Not);
        tree.parts.push_back(parse(*value, pointer_to(reader.pointer(), "not"), depth + 1));
        out.push_back(std::move(tree));
    }
}

Condition ConditionParser::parse(
    boost::json::value const& value, std::string const& pointer, std::size_t depth
) {
    Condition out;
    std::size_t const before = problems_.size();
    Reader reader(value, pointer, problems_);
    if (depth > kDeepest) {
        reader.note(fmt::format("is nested deeper than {} conditions", kDeepest));
        return out;
    }
    texts(reader, out.parts);
    lengths(reader, out.parts);
    json(reader, out.parts);
    error(reader, out.parts);
    trees(reader, out.parts, depth);
    reader.finish();
    if (out.parts.empty() && problems_.size() == before) {
        reader.note("tests nothing; write at least one of contains, equals, regex, error, ...");
    }
    return out;
}

}  // namespace

Condition parse_condition(
    boost::json::value const& value, std::string const& pointer, std::vector<Problem>& problems
) {
    return ConditionParser(problems).parse(value, pointer, 0);
}

}  // namespace plimsoll::chain
