#include "app/top/board.hpp"

#include "app/top/text.hpp"
#include "app/top/ui.hpp"
#include "support/catch.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

using namespace plimsoll;
using namespace plimsoll::app::top;

namespace {

auto json(std::string_view text) {
    return boost::json::parse(text);
}

Board with_models() {
    Board board;
    board.take_models(json(R"({"models": [
        {"name": "qwen3:8b", "upstream": "ollama", "state": "ready", "charge_bytes": 6442450944,
         "num_ctx": 8192, "leases": 0, "waiting": 0, "last_used_seconds_ago": 60, "pinned": true},
        {"name": "gemma3:12b", "upstream": "ollama", "state": "loading", "state_seconds": 3,
         "charge_bytes": 9663676416, "num_ctx": 4096, "leases": 0, "waiting": 2,
         "last_used_seconds_ago": null, "expires_in_seconds": null},
        {"name": "llama3.1:8b", "upstream": "ollama", "state": "ready", "charge_bytes": 1, "leases": 1,
         "last_used_seconds_ago": 3, "expires_in_seconds": 240, "foreign": true}]})"));
    return board;
}

Key letter(char c) {
    return {Key::Kind::Letter, c};
}

std::string body_of(Wish const& wish) {
    return boost::json::serialize(wish.body);
}

}  // namespace

TEST_CASE("top: models as rows, in the order of their names", "[app][unit]") {
    auto const board = with_models();
    REQUIRE(board.models().size() == 3);
    auto const& loading = board.models()[0];
    CHECK(loading.name == "gemma3:12b");
    CHECK(loading.in_state == std::chrono::seconds(3));
    CHECK_FALSE(loading.idle.has_value());
    CHECK_FALSE(loading.expires_in.has_value());
    CHECK(loading.waiting == 2);
    auto const& used = board.models()[1];
    CHECK_FALSE(used.idle.has_value());  // a request runs
    CHECK(used.expires_in == std::chrono::seconds(240));
    CHECK(used.is_foreign);
    CHECK(board.models()[2].is_pinned);
    CHECK(board.models()[2].idle == std::chrono::seconds(60));
}

TEST_CASE("top: what waits is one row for each model", "[app][unit]") {
    Board board;
    board.take_queue(json(R"({"waiting": [
        {"model": "a", "upstream": "o", "waited_seconds": 4, "expected_seconds": 9, "why": "loading"},
        {"model": "a", "upstream": "o", "waited_seconds": 7, "expected_seconds": 5, "overdue": true},
        {"model": "a", "upstream": "p", "waited_seconds": 1, "expected_seconds": null}]})"));
    REQUIRE(board.queue().size() == 2);
    auto const& row = board.queue()[0];
    CHECK(row.requests == 2);
    CHECK(row.overdue == 1);
    CHECK(row.longest == std::chrono::seconds(7));
    CHECK(row.still == std::chrono::seconds(5));
    CHECK(row.why == "loading");
    CHECK_FALSE(board.queue()[1].still.has_value());
}

TEST_CASE("top: status, runs and what is not as expected", "[app][unit]") {
    Board board;
    CHECK_FALSE(board.has_answers());
    board.take_status(json(R"({"version": "0.1.0", "enabled": false, "upstreams": [
        {"name": "ollama", "provider": "ollama", "version": "0.12", "up": false, "why": "refused",
         "charged_bytes": 5, "budget_bytes": 10, "cards": [{"name": "4090", "charged_bytes": 5}]}]})"
    ));
    CHECK(board.has_answers());
    CHECK_THAT(board.remark(), ContainsSubstring("pass-through"));
    REQUIRE(board.upstreams().size() == 1);
    CHECK(board.upstreams()[0].kind == "ollama 0.12");
    CHECK(board.upstreams()[0].why == "refused");
    CHECK(board.upstreams()[0].cards.size() == 1);
    board.take_runs(
        json(R"({"runs": [{"id": "r1", "chain": "c", "status": "running", "seconds": 2}]})")
    );
    REQUIRE(board.runs().size() == 1);
    CHECK(board.runs()[0].took == std::chrono::seconds(2));
    for (auto const* text :
         {"null", "[]", "7", R"({"models": 3, "waiting": {}, "upstreams": [null]})"}) {
        CAPTURE(text);
        board.take_status(json(text));
        board.take_models(json(text));
        board.take_queue(json(text));
        board.take_runs(json(text));
        CHECK(board.models().empty());
    }
}

TEST_CASE("top: a run that goes on tells its last step and how long it takes", "[app][unit]") {
    Board board;
    board.take_status(json(R"({"version": "0.1.0", "time": "2026-11-26T10:00:09.5Z"})"));
    board.take_runs(json(R"({"runs": [
        {"id": "r2", "chain": "c", "status": "running", "started": "2026-11-26T10:00:02.5Z"},
        {"id": "r1", "chain": null, "status": "failed", "started": "2026-11-26T09:00:00Z", "seconds": 3}]})"
    ));
    CHECK(board.runs()[0].took == std::chrono::seconds(7));
    CHECK(board.runs()[1].took == std::chrono::seconds(3));
    board.take_run(json(R"({"id": "r2", "steps": []})"));
    CHECK(board.runs()[0].last_step.empty());
    board.take_run(json(R"({"id": "r2", "steps": [
        {"step": "0", "name": "first", "model": "a"}, {"step": "1", "name": "", "model": "qwen3:8b"}]})"
    ));
    CHECK(board.runs()[0].last_step == "1 qwen3:8b");
    board.take_run(json(R"({"id": "gone", "steps": [{"step": "0"}]})"));
    CHECK(board.runs().size() == 2);
}

TEST_CASE("top: when a link was lost is when it was seen first", "[app][unit]") {
    Board board;
    board.set_link(Link::Lost, "refused", TimePoint{std::chrono::seconds(5)});
    board.set_link(Link::Lost, "refused", TimePoint{std::chrono::seconds(9)});
    CHECK(board.lost_at() == TimePoint{std::chrono::seconds(5)});
    board.set_link(Link::Live, "", TimePoint{std::chrono::seconds(10)});
    board.set_link(Link::Lost, "refused", TimePoint{std::chrono::seconds(12)});
    CHECK(board.lost_at() == TimePoint{std::chrono::seconds(12)});
}

TEST_CASE("top: events are kept once, those of a new daemon too, and not for ever", "[app][unit]") {
    Board board;
    auto const one =
        json(R"({"sequence": 1, "upstream": "o", "model": "a", "text": "queue head"})");
    board.take_event("load", one, TimePoint{});
    board.take_event("load", one, {});
    CHECK(board.decisions().size() == 1);
    board.take_event("load", json(R"({"sequence": 1, "upstream": "o", "text": "other"})"), {});
    CHECK(board.decisions().size() == 2);
    // Requests that nobody waited for, and their ends.
    board.take_event("dispatch", json(R"({"sequence": 2, "waited_seconds": 0.2})"), {});
    board.take_event("finish", json(R"({"sequence": 3, "done": true})"), {});
    CHECK(board.decisions().size() == 2);
    board.take_event("dispatch", json(R"({"sequence": 4, "waited_seconds": 7})"), {});
    board.take_event("finish", json(R"({"sequence": 5, "done": false, "text": "broke off"})"), {});
    CHECK(board.decisions().size() == 4);
    board.take_event("missed", json(R"({"events": 12})"), {});
    CHECK_THAT(board.decisions().back().text, ContainsSubstring("12 events"));
    board.take_event("notice", json(R"({"text": "\u001b[31mred\u202e"})"), {});
    CHECK_FALSE(board.decisions().back().text.contains('\x1b'));
    for (std::size_t i = 0; i < 2 * Board::kKept; ++i) {
        board.take_event("missed", json(R"({"events": 1})"), {});
    }
    CHECK(board.decisions().size() == Board::kKept);
}

TEST_CASE("top: keys choose, and ask the daemon", "[app][unit]") {
    auto board = with_models();
    Ui ui;
    CHECK(ui.selected(board) == 0);
    CHECK_FALSE(ui.press({Key::Kind::Down}, board).has_value());
    CHECK(ui.selected(board) == 1);
    auto const unload = ui.press(letter('u'), board);
    REQUIRE(unload);
    CHECK(unload->path == "/plimsoll/v1/models/unload");
    CHECK(body_of(*unload) == R"({"model":"llama3.1:8b","upstream":"ollama"})");
    CHECK(unload->doing == "unloading llama3.1:8b");
    ui.press(letter('j'), board);
    ui.press(letter('j'), board);
    CHECK(ui.selected(board) == 2);
    CHECK(ui.press(letter('p'), board)->path == "/plimsoll/v1/models/unpin");  // it is pinned
    ui.press(letter('k'), board);
    CHECK(ui.press(letter('p'), board)->path == "/plimsoll/v1/models/pin");
    ui.press({Key::Kind::Home}, board);
    CHECK(ui.selected(board) == 0);
    ui.press({Key::Kind::End}, board);
    CHECK(ui.selected(board) == 2);
    ui.press({Key::Kind::PageUp}, board);
    CHECK(ui.selected(board) == 0);
    ui.press(letter('q'), board);
    CHECK(ui.has_ended());
}

TEST_CASE("top: the chosen model stays chosen when others come and go", "[app][unit]") {
    auto board = with_models();
    Ui ui;
    ui.press({Key::Kind::Down}, board);
    board.take_models(json(R"({"models": [{"name": "aaa", "upstream": "ollama"},
        {"name": "bbb", "upstream": "ollama"}, {"name": "llama3.1:8b", "upstream": "ollama"}]})"));
    CHECK(ui.selected(board) == 2);
    board.take_models(json(R"({"models": [{"name": "aaa", "upstream": "ollama"}]})"));
    CHECK(ui.selected(board) == 0);
    board.take_models(json(R"({"models": []})"));
    CHECK_FALSE(ui.selected(board).has_value());
    CHECK_FALSE(ui.press(letter('u'), board).has_value());
    CHECK(ui.notice_is_error());
}

TEST_CASE("top: unloading everything is confirmed", "[app][unit]") {
    auto const board = with_models();
    Ui ui;
    ui.press(letter('c'), board);
    CHECK(ui.mode() == Ui::Mode::ConfirmCleanup);
    CHECK_FALSE(ui.press(letter('n'), board).has_value());
    CHECK(ui.mode() == Ui::Mode::Watch);
    ui.press(letter('c'), board);
    CHECK_FALSE(ui.press({Key::Kind::Enter}, board).has_value());  // is no yes
    ui.press(letter('c'), board);
    auto const wish = ui.press(letter('y'), board);
    REQUIRE(wish);
    CHECK(wish->path == "/plimsoll/v1/cleanup");
}

TEST_CASE("top: a filter, a name that is typed, and help", "[app][unit]") {
    auto const board = with_models();
    Ui ui;
    auto const type = [&](std::string_view text) {
        std::optional<Wish> last;
        for (char const c : text) {
            last = ui.press(letter(c), board);
        }
        return last;
    };
    ui.press(letter('f'), board);
    type("LLamx");
    CHECK(ui.shown(board).empty());
    ui.press({Key::Kind::Backspace}, board);
    CHECK(ui.shown(board).size() == 1);
    ui.press({Key::Kind::Enter}, board);
    CHECK(ui.mode() == Ui::Mode::Watch);
    CHECK(ui.filter() == "LLam");
    ui.press({Key::Kind::Escape}, board);
    CHECK(ui.shown(board).size() == 3);

    ui.press(letter('l'), board);
    type("q wen");
    ui.press({Key::Kind::Escape}, board);
    CHECK(ui.mode() == Ui::Mode::Watch);
    ui.press(letter('l'), board);
    CHECK_FALSE(type(" qwen3:8b ").has_value());
    auto const wish = ui.press({Key::Kind::Enter}, board);
    REQUIRE(wish);
    CHECK(wish->path == "/plimsoll/v1/models/load");
    CHECK(body_of(*wish) == R"({"model":"qwen3:8b"})");
    ui.press(letter('l'), board);
    CHECK_FALSE(ui.press({Key::Kind::Enter}, board).has_value());  // no name

    ui.press(letter('?'), board);
    CHECK(ui.mode() == Ui::Mode::Help);
    CHECK_FALSE(ui.press(letter('q'), board).has_value());
    CHECK(ui.mode() == Ui::Mode::Watch);
    CHECK_FALSE(ui.has_ended());
}

TEST_CASE("top: columns of text", "[app][unit]") {
    CHECK(columns_of("abc") == 3);
    CHECK(columns_of("é…") == 2);
    CHECK(columns_of("模型") == 4);
    CHECK(columns_of("e\u0301") == 1);
    CHECK(cut("abcdef", 6, "…") == "abcdef");
    CHECK(cut("abcdef", 4, "…") == "abc…");
    CHECK(cut("模型模型", 5, "…") == "模型…");
    CHECK(cut("模型模型", 4, "…") == "模… ");  // half a letter is none
    CHECK(cut("abcdef", 1, "..") == ".");
    CHECK(cut("abcdef", 0, "…").empty());
    CHECK(to_ascii("a…模") == "a??");
    CHECK(columns_of("\xff\xfe") == 2);
}
