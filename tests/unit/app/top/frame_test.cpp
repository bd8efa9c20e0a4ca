#include "app/top/frame.hpp"

#include "app/top/text.hpp"
#include "app/top/water_line.hpp"
#include "support/catch.hpp"

#include <boost/json/parse.hpp>

using namespace plimsoll;
using namespace plimsoll::app::top;
using plimsoll::app::Colour;

namespace {

auto json(std::string_view text) {
    return boost::json::parse(text);
}

Board full() {
    Board board;
    board.take_status(json(R"({"version": "0.1.0", "upstreams": [
        {"name": "ollama", "provider": "ollama", "version": "0.12.3", "up": true,
         "url": "http://127.0.0.1:11434", "charged_bytes": 17179869184, "budget_bytes": 23622320128,
         "peak_bytes": 21474836480, "counters": {"loads": 4, "evictions": 1}}]})"));
    board.take_models(json(R"({"models": [
        {"name": "gemma3:12b", "upstream": "ollama", "state": "ready", "charge_bytes": 9663676416,
         "num_ctx": 4096, "leases": 1, "waiting": 0, "expires_in_seconds": null},
        {"name": "qwen3:8b", "upstream": "ollama", "state": "loading", "state_seconds": 2,
         "charge_bytes": 7516192768, "num_ctx": 8192, "leases": 0, "waiting": 2, "pinned": true}]})"
    ));
    board.take_queue(json(R"({"waiting": [
        {"model": "qwen3:8b", "upstream": "ollama", "waited_seconds": 4, "expected_seconds": 5,
         "why": "it is being loaded"},
        {"model": "qwen3:8b", "upstream": "ollama", "waited_seconds": 2, "expected_seconds": 5}]})")
    );
    board.take_runs(json(R"({"runs": [
        {"id": "run-1", "chain": "review", "status": "running", "seconds": 12, "loads": 2}]})"));
    board.take_run(json(R"({"id": "run-1", "steps": [
        {"step": "0", "name": "", "model": "a"}, {"step": "1", "name": "draft", "model": "qwen3:8b"}]})"
    ));
    board.take_event(
        "load",
        json(R"({"sequence": 1, "model": "qwen3:8b", "text": "head of the queue"})"),
        TimePoint{}
    );
    board.set_link(Link::Live, "", TimePoint{});
    return board;
}

Look look_of(std::size_t columns, std::size_t lines, bool is_utf8 = true) {
    return {columns, lines, is_utf8, true, "http://127.0.0.1:11435"};
}

TimePoint const kNow{std::chrono::seconds(9)};

}  // namespace

TEST_CASE("top: the whole picture", "[app][unit]") {
    CHECK(
        plain(draw(full(), {}, kNow, look_of(80, 24, false))) ==
        "Plimsoll 0.1.0  * live  http://127.0.0.1:11435\n"
        "ollama 0.12.3  up  http://127.0.0.1:11434         4 loads, 1 eviction, 0 refused\n"
        "####################:::::::::::::::..............| 16 GiB of 22 GiB, peak 20 GiB\n"
        "\n"
        "MODELS 2 -----------------------------------------------------------------------\n"
        "  NAME        STATE        CHARGE  CONTEXT  USERS  WAIT  IDLE  EXPIRES\n"
        "# gemma3:12b  ready         9 GiB     4096      1     0     -    never\n"
        ": qwen3:8b    loading 2 s   7 GiB     8192      0     2     -   pinned\n"
        "\n"
        "QUEUE 2 ------------------------------------------------------------------------\n"
        "MODEL     WAIT  LONGEST  STILL  WHY\n"
        "qwen3:8b     2      4 s  ~ 5 s  it is being loaded\n"
        "\n"
        "RUNS OF CHAINS -----------------------------------------------------------------\n"
        "RUN    CHAIN   STATUS   LAST STEP         TOOK  LOADS\n"
        "run-1  review  running  1 draft qwen3:8b  12 s      2\n"
        "\n"
        "DECISIONS ----------------------------------------------------------------------\n"
        "     9 s load        qwen3:8b: head of the queue\n"
        "\n"
        "\n"
        "\n"
        "\n"
        "q quit  ? help  j k choose  u unload  p pin  l load  c cleanup  f filter\n"
    );
}

TEST_CASE("top: every size gives so many lines, none too wide", "[app][unit]") {
    auto const board = full();
    for (std::size_t columns = 1; columns < 140; columns += 3) {
        for (std::size_t lines = 1; lines < 40; ++lines) {
            for (bool const is_utf8 : {false, true}) {
                auto const picture = draw(board, {}, kNow, look_of(columns, lines, is_utf8));
                CAPTURE(columns, lines, is_utf8);
                REQUIRE(picture.size() == lines);
                for (auto const& line : picture) {
                    std::size_t width = 0;
                    for (auto const& span : line) {
                        width += columns_of(span.text);
                    }
                    REQUIRE(width <= columns);
                }
            }
        }
    }
}

TEST_CASE("top: the bar shows whose bytes they are", "[app][unit]") {
    auto const models = [](std::string_view text) {
        Board board;
        board.take_models(json(text));
        return board.models();
    };
    auto const text_of = [](Line const& line) { return plain({line}); };
    auto const two = models(R"({"models": [
        {"name": "a", "state": "ready", "charge_bytes": 4},
        {"name": "b", "state": "ready", "charge_bytes": 2},
        {"name": "c", "state": "loading", "charge_bytes": 2}]})");
    Look look = look_of(30, 1, false);
    look.has_colours = false;
    auto const cargo = cargo_of(two, look);
    REQUIRE(cargo.size() == 3);
    CHECK(
        text_of(water_line("", Bytes(8), Bytes(10), Bytes(), cargo, look)) ==
        "####==::..| 8 bytes of 10 bytes\n"
    );
    // A charge that no model is listed for, and one beyond the mark.
    CHECK(
        text_of(water_line("", Bytes(9), Bytes(10), Bytes(), cargo, look)) ==
        "####==::#.| 9 bytes of 10 bytes\n"
    );
    look.has_colours = true;
    look.is_utf8 = true;
    auto const painted = cargo_of(two, look);
    CHECK(painted[0].glyph == painted[1].glyph);
    CHECK(painted[0].colour != painted[1].colour);
    CHECK(painted[2].glyph != painted[1].glyph);
    auto const over = water_line("", Bytes(20), Bytes(10), Bytes(), painted, look);
    bool is_red = false;
    for (auto const& span : over) {
        is_red = is_red || (span.text == "█████" && span.colour == Colour::Red);
    }
    CHECK(is_red);

    // A model keeps its colour while another one goes.
    auto const fewer = cargo_of(
        models(R"({"models": [{"name": "a", "state": "ready", "charge_bytes": 4}]})"), look
    );
    CHECK(fewer[0].colour == painted[0].colour);
}

TEST_CASE("top: a narrow terminal keeps what counts", "[app][unit]") {
    auto const text = plain(draw(full(), {}, kNow, look_of(42, 24, false)));
    CHECK_THAT(text, ContainsSubstring("NAME        STATE        CHARGE"));
    CHECK_THAT(text, !ContainsSubstring("EXPIRES"));
    CHECK_THAT(text, ContainsSubstring("it is being loa.."));
}

TEST_CASE("top: the chosen row is seen however many there are", "[app][unit]") {
    Board board = full();
    std::string models;
    for (int i = 10; i < 60; ++i) {
        models += (models.empty() ? "" : ",") + std::string(R"({"name": "m)") + std::to_string(i) +
                  R"(", "state": "ready"})";
    }
    board.take_models(json(R"({"models": [)" + models + "]}"));
    for (std::size_t lines = 10; lines < 60; lines += 7) {
        Ui ui;
        for (int i = 0; i < 50; ++i) {
            auto const chosen = "m" + std::to_string(10 + i);
            bool is_seen = false;
            auto const picture = draw(board, ui, kNow, look_of(80, lines));
            for (auto const& line : picture) {
                is_seen = is_seen || (line.size() > 1 && line[1].is_reverse &&
                                      line[1].text.starts_with(chosen));
            }
            CAPTURE(lines, chosen, plain(picture));
            REQUIRE(is_seen);
            ui.press({Key::Kind::Down}, board);
        }
    }
}

TEST_CASE("top: over the budget, down, lost and asking", "[app][unit]") {
    Board board = full();
    board.take_status(json(R"({"version": "0.1.0", "draining": true, "upstreams": [
        {"name": "a", "up": false, "why": "connection refused", "charged_bytes": 30, "budget_bytes": 20},
        {"name": "b", "up": true, "charged_bytes": 1, "budget_bytes": 20,
         "cards": [{"charged_bytes": 1, "budget_bytes": 10}, {"charged_bytes": 9, "budget_bytes": 10}]}]})"
    ));
    board.set_link(Link::Lost, "nothing listens; start it", kNow - std::chrono::seconds(4));
    Ui ui;
    auto const text = plain(draw(board, ui, kNow, look_of(100, 40, false)));
    CHECK_THAT(
        text, ContainsSubstring("No answer from Plimsoll for 4 s, trying again: nothing listens\n")
    );
    CHECK_THAT(text, ContainsSubstring("ending"));
    CHECK_THAT(text, ContainsSubstring("down: connection refused"));
    CHECK_THAT(text, ContainsSubstring("##|####################### 30 bytes of 20 bytes, over it"));
    CHECK_THAT(text, ContainsSubstring("card 2 "));
    CHECK_THAT(text, ContainsSubstring("UPSTREAM"));

    ui.press({Key::Kind::Letter, 'c'}, board);
    CHECK_THAT(
        plain(draw(board, ui, kNow, look_of(80, 24))),
        ContainsSubstring("Unload everything that is idle? y or n")
    );
    ui.press({Key::Kind::Letter, 'n'}, board);
    ui.press({Key::Kind::Letter, '?'}, board);
    CHECK_THAT(plain(draw(board, ui, kNow, look_of(80, 24))), ContainsSubstring("Ctrl-C"));
    ui.press({Key::Kind::Letter, '?'}, board);
    ui.tell("unloading a failed: it is pinned", true);
    auto const last = draw(board, ui, kNow, look_of(80, 24)).back();
    REQUIRE(last.size() == 1);
    CHECK(last[0].colour == Colour::Red);
}

TEST_CASE("top: nothing known yet, and a terminal that is too small", "[app][unit]") {
    CHECK_THAT(
        plain(draw({}, {}, kNow, look_of(80, 24))), ContainsSubstring("nothing is in memory")
    );
    CHECK_THAT(plain(draw({}, {}, kNow, look_of(30, 24))), ContainsSubstring("too small"));
}
