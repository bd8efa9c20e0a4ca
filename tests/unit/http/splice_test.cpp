#include "support/catch.hpp"

#include <plimsoll/http/members.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace plimsoll::http;

namespace {

std::string apply_edit(std::string_view body, BodyEdit const& edit) {
    auto const members = find_members(body);
    REQUIRE(members);
    auto const out = splice(body, *members, edit);
    std::string text;
    for (auto const piece : out.pieces) {
        text += piece;
    }
    CHECK(text.size() == out.size);
    return text;
}

// Random documents as lists of members, so that the edit can be done on the list and compared.
struct Option {
    std::string spelling, name, value;
};

struct Entry {
    std::string spelling;  // with quotes
    std::string name;      // folded
    std::string value;     // without `options`
    std::vector<Option> options;
    bool is_options = false;
};

class Generator {
  public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

    template <class List>
    auto pick(List const& list) {
        return list[below(list.size())];
    }

    std::string blanks() {
        static std::vector<std::string> const kBlanks{"", "", "", " ", "\n", "\t ", "\r\n  "};
        return pick(kBlanks);
    }

    std::string value() {
        static std::vector<std::string> const kValues{
            "1",
            "-2.5e3",
            "null",
            "true",
            "false",
            R"("")",
            R"("a,b}{][:")",
            R"("\"\\\u00e4")",
            "[]",
            "{}",
            "[ 1 , [2,{\"model\":3}] ]",
            R"({"options":{"num_ctx":1},"model":"x"})",
            R"(",")"
        };
        return pick(kValues);
    }

    std::vector<Entry> document() {
        std::vector<Entry> out(below(7));
        for (auto& entry : out) {
            static std::vector<std::pair<std::string, std::string>> const kNames{
                {R"("model")", "model"},
                {R"("MODEL")", "model"},
                {R"("\u006dodel")", "model"},
                {"\"\xE2\x84\xAA"
                 R"(eep_alive")",
                 "keep_alive"},
                {R"("keep_alive")", "keep_alive"},
                {"\"\xC5\xBFtream\"", "stream"},
                {R"("options")", "options"},
                {R"("Option\u017f")", "options"},
                {R"("x")", "x"},
                {R"("mod")", "mod"},
                {R"("prompt")", "prompt"},
                {R"("")", ""}
            };
            std::tie(entry.spelling, entry.name) = pick(kNames);
            entry.is_options = entry.name == "options" && below(4) != 0;
            entry.value = value();
            if (entry.is_options) {
                fill(entry.options);
            }
        }
        return out;
    }

    void fill(std::vector<Option>& options) {
        static std::vector<std::pair<std::string, std::string>> const kNames{
            {R"("num_ctx")", "num_ctx"},
            {R"("\u006eum_ctx")", "num_ctx"},
            {R"("NUM_CTX")", "NUM_CTX"},
            {R"("num_gpu")", "num_gpu"},
            {R"("stop")", "stop"},
            {R"("zzz")", "zzz"}
        };
        options.resize(below(5));
        for (auto& option : options) {
            std::tie(option.spelling, option.name) = pick(kNames);
            option.value = value();
        }
    }

    // With random blanks, or without any.
    std::string render(std::vector<Entry> const& document, bool spaced) {
        auto const gap = [&] { return spaced ? blanks() : std::string(); };
        std::string out = gap() + "{" + gap();
        for (std::size_t i = 0; i < document.size(); ++i) {
            auto const& entry = document[i];
            out += (i > 0 ? "," + gap() : "") + entry.spelling + gap() + ":" + gap();
            if (!entry.is_options) {
                out += entry.value + gap();
                continue;
            }
            out += "{" + gap();
            for (std::size_t j = 0; j < entry.options.size(); ++j) {
                auto const& option = entry.options[j];
                out += (j > 0 ? "," + gap() : "") + option.spelling + gap() + ":" + gap() +
                       option.value + gap();
            }
            out += "}" + gap();
        }
        return out + "}" +
               (spaced ? blanks() + (below(3) == 0 ? "{\"model\":\"trailing\"}" : "") : "");
    }

  private:
    std::mt19937_64 random_;
};

bool contains(std::vector<std::string> const& list, std::string const& text) {
    return std::ranges::find(list, text) != list.end();
}

void edit_list(std::vector<Entry>& document, BodyEdit const& edit) {
    std::erase_if(document, [&](Entry const& entry) {
        return contains(edit.cut_members, entry.name);
    });
    for (auto& entry : document) {
        std::erase_if(entry.options, [&](Option const& option) {
            return contains(edit.cut_options, option.name);
        });
    }
    if (!edit.set_options.empty()) {
        Entry last{
            .spelling = R"("options")",
            .name = "options",
            .value = {},
            .options = {},
            .is_options = true
        };
        for (auto const& [name, value] : edit.set_options) {
            last.options.push_back({'"' + name + '"', name, value});
        }
        document.push_back(last);
    }
}

std::string without_blanks(std::string_view json) {
    std::string out;
    bool in_string = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        char const c = json[i];
        if (in_string && c == '\\') {
            out += c;
            out += json[++i];
            continue;
        }
        in_string = in_string != (c == '"');
        if (in_string || std::string_view(" \t\r\n").find(c) == std::string_view::npos) {
            out += c;
        }
    }
    return out;
}

}  // namespace

TEST_CASE("splice: members go with their commas, whatever stands around them", "[http][splice]") {
    BodyEdit edit;
    edit.cut_members = {"keep_alive"};
    CHECK(apply_edit(R"({"keep_alive":1})", edit) == "{}");
    CHECK(apply_edit(R"({ "keep_alive" : 1 })", edit) == "{  }");
    CHECK(apply_edit(R"({"keep_alive":1,"a":2})", edit) == R"({"a":2})");
    CHECK(apply_edit(R"({"a":2,"keep_alive":1})", edit) == R"({"a":2})");
    CHECK(apply_edit(R"({"a":2 , "keep_alive":1 , "b":3})", edit) == R"({"a":2 , "b":3})");
    CHECK(apply_edit(R"({"a":2,"Keep_Alive":1,"KEEP_ALIVE":0})", edit) == R"({"a":2})");
    CHECK(apply_edit(R"({"keep_alive":1,"a":2,"keep_alive":0})", edit) == R"({"a":2})");
    CHECK(apply_edit(R"(  {"a":2}  trailing)", edit) == R"({"a":2})");
    CHECK(apply_edit(" null x", edit) == "null");
}

TEST_CASE("splice: a last options object wins", "[http][splice]") {
    BodyEdit edit;
    edit.cut_options = {"num_gpu"};
    edit.set_options = {{"num_ctx", "4096"}, {"num_batch", "512"}};
    CHECK(apply_edit("{}", edit) == R"({"options":{"num_ctx":4096,"num_batch":512}})");
    CHECK(
        apply_edit(R"({"options":{"num_gpu":0,"num_ctx":1},"x":1})", edit) ==
        R"({"options":{"num_ctx":1},"x":1,"options":{"num_ctx":4096,"num_batch":512}})"
    );
    CHECK(
        apply_edit(R"({"OPTIONS":{"num_gpu":0}})", edit) ==
        R"({"OPTIONS":{},"options":{"num_ctx":4096,"num_batch":512}})"
    );
    edit.cut_members = {"options"};
    CHECK(
        apply_edit(R"({"options":{"num_gpu":0}})", edit) ==
        R"({"options":{"num_ctx":4096,"num_batch":512}})"
    );
}

TEST_CASE("splice: nothing to do gives the bytes of the object itself", "[http][splice]") {
    std::string_view const body = R"({ "model" : "m" , "x" : 1e0 })";
    auto const members = find_members(body);
    REQUIRE(members);
    auto const out = splice(body, *members, {});
    REQUIRE(out.size == body.size());
    CHECK(out.pieces.front().data() == body.data());
}

TEST_CASE(
    "splice: random documents, edited as bytes and as lists, are equal", "[http][splice][property]"
) {
    auto const seed = plimsoll::test::run_seed();
    CAPTURE(seed);
    Generator generate(seed);
    for (int round = 0; round < 6000; ++round) {
        auto document = generate.document();
        auto const body = generate.render(document, true);
        INFO(body);
        auto const members = find_members(body);
        REQUIRE(members);
        BodyEdit edit;
        for (std::string const name : {"model", "keep_alive", "stream", "options"}) {
            if (generate.below(3) == 0) {
                edit.cut_members.push_back(name);
            }
        }
        for (std::string const name : {"num_ctx", "num_gpu", "zzz"}) {
            if (generate.below(2) == 0) {
                edit.cut_options.push_back(name);
            }
        }
        if (generate.below(2) == 0) {
            edit.set_options = {{"num_ctx", "8192"}, {"num_batch", "[1,2]"}};
        }
        // What is null in the end counts as absent: there is nothing to cut, so the list is left
        // alone too.
        auto cut = edit;
        std::erase_if(cut.cut_members, [&](std::string const& name) {
            return (name == "model" && !members->model) ||
                   (name == "keep_alive" && !members->keep_alive) ||
                   (name == "stream" && !members->stream) ||
                   (name == "options" && !members->options);
        });
        if (!members->options) {
            cut.cut_options.clear();
        }
        auto const result = apply_edit(body, edit);
        edit_list(document, cut);
        auto const wanted = generate.render(document, false);
        CHECK(without_blanks(result) == without_blanks(wanted));
        CHECK(boost::json::parse(result) == boost::json::parse(wanted));
        CHECK(find_members(result));
    }
}
