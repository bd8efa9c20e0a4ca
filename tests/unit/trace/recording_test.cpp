#include "support/catch.hpp"

#include <plimsoll/trace/recording.hpp>
#include <plimsoll/trace/replay.hpp>

#include <set>
#include <sstream>

using namespace plimsoll;
using namespace plimsoll::trace;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint kOrigin{std::chrono::hours(7)};
constexpr std::array<std::uint64_t, 2> kSalt{3, 4};

core::Demand demand() {
    core::Demand out;
    out.weights = "sha256-1";
    out.model = "gemma3:4b";
    out.form = core::Form::Bare;
    out.settings = {4096, 512, {5, 1, -1, 0, true, false}};
    out.has_own_ctx = true;
    out.charge = gibibytes(3);
    out.upstream_estimate = Bytes(UINT64_MAX);
    out.load_time = 1234567890ns;
    out.unload_time = 1ns;
    out.answer_time = 3ns;
    return out;
}

core::SchedulerConfig config() {
    core::SchedulerConfig out;
    out.budget = gibibytes(8);
    out.device_total = gibibytes(9);
    out.cards = {{gibibytes(3), gibibytes(4), Bytes(1)}, {gibibytes(4), gibibytes(5), {}}};
    out.quantum_factor = 0.1 + 0.2;  // no short decimal
    out.patience = {1ns, 2ns, 3ns};
    return out;
}

std::vector<core::Event> every_event() {
    core::Ticket ticket;
    ticket.id = core::TicketId{UINT64_MAX};
    ticket.client = "10.1.2.3";
    ticket.priority = core::Priority::High;
    ticket.demand = demand();
    ticket.body = Bytes(17);
    ticket.keep_alive = core::KeepAlive{core::KeepAlive::Kind::For, Duration::max()};
    ticket.deadline = kOrigin + 5s;
    core::Row row{
        "w",
        "\xff\"\n<model>",
        Bytes(1),
        Bytes(2),
        3,
        core::Form::Pinned,
        demand().settings,
        Bytes(4)
    };
    return {
        core::TicketArrived{ticket},
        core::TicketCancelled{core::TicketId{1}},
        core::TicketEnded{core::TicketId{2}, core::TicketOutcome::ConnectionLost},
        core::LoadSucceeded{core::InstanceId{3}, Bytes(4), Bytes(5), 6, 7ns, Bytes(8)},
        core::LoadFailed{core::InstanceId{9}, core::LoadFailure::OutOfMemory, "cudaMalloc"},
        core::UnloadFailed{core::InstanceId{10}, "no"},
        core::Observed{{row, core::Row{}}, kOrigin - 3s},
        core::UpstreamDown{"refused"},
        core::UpstreamUp{true},
        core::KeepAliveWished{"10.1.2.3", "sha256-1", {core::KeepAlive::Kind::Forever, {}}},
        core::UnloadRequested{"sha256-1"},
        core::PinSet{demand(), "10.9.9.9", kOrigin + 1h},
        core::PinCleared{"sha256-1"},
        core::UseAnnounced{core::AnnouncementId{7}, demand(), kOrigin + 90s},
        core::UseWithdrawn{core::AnnouncementId{7}},
        core::CleanupRequested{},
        core::ConfigChanged{config()},
        core::TimePassed{},
        core::Placed{core::InstanceId{3}, {Bytes(4), Bytes()}, false},
    };
}

std::vector<core::Action> every_action() {
    return {
        core::Observe{"a"},
        core::Load{core::InstanceId{1}, demand(), "b"},
        core::AbortLoad{core::InstanceId{2}, "c"},
        core::Unload{core::InstanceId{3}, "m", "w", 4, "d"},
        core::Dispatch{
            core::TicketId{5},
            core::InstanceId{6},
            core::Form::Pinned,
            demand().settings,
            7ns,
            8,
            "e"
        },
        core::Refuse{core::TicketId{8}, core::RefuseKind::Stuck, 9s, "f"},
        core::Notice{core::Notice::Level::Alert, "pin of m by 10.9.9.9 (3 GiB) dropped"},
    };
}

RecordingHeader header() {
    return {"1.2.3", "2026-11-23T14:57:08Z", kOrigin, {{"one", config()}, {"two", {}}}};
}

// A file with every event; each has every action.
std::string recording() {
    RecordingWriter writer(header(), kSalt);
    std::string out = writer.header_line();
    TimePoint at = kOrigin;
    bool is_pinned = false;
    for (auto& event : every_event()) {
        at += 1ns;
        is_pinned = is_pinned || std::holds_alternative<core::PinSet>(event);
        auto actions = every_action();
        if (!is_pinned) {
            actions.back() = core::Notice{core::Notice::Level::Info, "no pin yet"};
        }
        out += writer.step_line({1, at, std::move(event), std::move(actions)});
    }
    return out + writer.end_line();
}

struct Outcome {
    std::vector<Step> steps;
    std::string error, missing_end;
};

Outcome read(std::string const& text) {
    std::istringstream in(text);
    Outcome out;
    auto reader = RecordingReader::open(in);
    if (!reader) {
        out.error = reader.error().message;
        return out;
    }
    for (;;) {
        auto step = reader->next();
        if (!step) {
            out.error = step.error().message;
            return out;
        }
        if (!*step) {
            out.missing_end = reader->missing_end();
            return out;
        }
        out.steps.push_back(std::move(**step));
    }
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    auto const at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
}

}  // namespace

TEST_CASE("recording: every event and every action is read back as it was", "[trace][unit]") {
    auto const text = recording();
    auto const outcome = read(text);
    CHECK(outcome.error.empty());
    CHECK(outcome.missing_end.empty());
    REQUIRE(outcome.steps.size() == std::variant_size_v<core::Event>);

    std::set<std::size_t> kinds;
    for (auto const& step : outcome.steps) {
        kinds.insert(step.event.index());
        CHECK(step.pool == 1);
        REQUIRE(step.actions.size() == std::variant_size_v<core::Action>);
        for (std::size_t i = 0; i + 1 < step.actions.size(); ++i) {
            CHECK(action_text(step.actions[i], kOrigin) == action_text(every_action()[i], kOrigin));
        }
    }
    CHECK(kinds.size() == std::variant_size_v<core::Event>);
    CHECK(outcome.steps[2].at == kOrigin + 3ns);

    // Written again with names that are hashed already, nothing else differs.
    RecordingWriter writer(header(), kSalt);
    std::string again = writer.header_line();
    for (auto const& step : outcome.steps) {
        again += writer.step_line(step);
    }
    CHECK(again.size() == text.size() - writer.end_line().size());
}

TEST_CASE("recording: numbers are exact to the last bit", "[trace][unit]") {
    std::istringstream in(recording());
    auto const reader = RecordingReader::open(in);
    REQUIRE(reader);
    CHECK(reader->header().origin == kOrigin);
    CHECK(reader->header().plimsoll == "1.2.3");
    REQUIRE(reader->header().pools.size() == 2);
    CHECK(reader->header().pools[0].config.quantum_factor == 0.1 + 0.2);
    CHECK(reader->header().pools[0].config.patience == config().patience);
    CHECK(reader->header().pools[0].config.device_total == gibibytes(9));
    CHECK(reader->header().pools[0].config.cards == config().cards);
    CHECK_FALSE(reader->header().pools[1].config.device_total);

    auto const outcome = read(recording());
    auto const& ticket = std::get<core::TicketArrived>(outcome.steps[0].event).ticket;
    CHECK(ticket.id == core::TicketId{UINT64_MAX});
    CHECK(ticket.demand.upstream_estimate == Bytes(UINT64_MAX));
    CHECK(ticket.demand.settings == demand().settings);
    CHECK(ticket.demand.has_own_ctx);
    CHECK(ticket.demand.load_time == 1234567890ns);
    CHECK(ticket.demand.answer_time == 3ns);
    CHECK(ticket.keep_alive == core::KeepAlive{core::KeepAlive::Kind::For, Duration::max()});
    CHECK(ticket.deadline == kOrigin + 5s);
    auto const& observed = std::get<core::Observed>(outcome.steps[6].event);
    CHECK(observed.asked == kOrigin - 3s);
    REQUIRE(observed.rows.size() == 2);
    CHECK(observed.rows[0].model == "\xff\"\n<model>");
    CHECK(observed.rows[0].known_settings == demand().settings);
    CHECK_FALSE(observed.rows[1].known_form);
}

TEST_CASE("recording: clients are hashes, the same one for the same client", "[trace][unit]") {
    auto const text = recording();
    CHECK(text.find("10.1.2.3") == std::string::npos);
    CHECK(text.find("10.9.9.9") == std::string::npos);
    auto const outcome = read(text);
    auto const& ticket = std::get<core::TicketArrived>(outcome.steps[0].event).ticket;
    CHECK(ticket.client == hashed_name("10.1.2.3", kSalt));
    CHECK(std::get<core::KeepAliveWished>(outcome.steps[9].event).client == ticket.client);
    // A notice says the owner's hash from the pin on.
    auto const owner = std::get<core::PinSet>(outcome.steps[11].event).owner;
    CHECK(owner == hashed_name("10.9.9.9", kSalt));
    auto const& notice = std::get<core::Notice>(outcome.steps[12].actions.back());
    CHECK(notice.text == "pin of m by " + owner + " (3 GiB) dropped");

    // The vector of SipHash's authors: key 00..0f, text 00..0e.
    std::string fifteen;
    for (char each = 0; each < 15; ++each) {
        fifteen += each;
    }
    CHECK(
        hashed_name(fifteen, {0x0706050403020100, 0x0f0e0d0c0b0a0908}) == "client-a129ca6149be45e5"
    );
}

TEST_CASE("recording: cut off at any byte it warns or says what is wrong", "[trace][unit]") {
    auto const text = recording();
    auto const header_size = text.find('\n') + 1;
    for (std::size_t size = 0; size < text.size(); ++size) {
        auto const outcome = read(text.substr(0, size));
        CAPTURE(size, outcome.error, outcome.missing_end);
        if (size < header_size) {
            REQUIRE(
                outcome.error.find(size == 0 ? "empty" : "header is cut off") != std::string::npos
            );
        } else {
            REQUIRE(outcome.error.empty());
            REQUIRE_FALSE(outcome.missing_end.empty());
        }
    }
    CHECK(read(text).missing_end.empty());
}

TEST_CASE("recording: any byte changed never does more than an error", "[trace][unit]") {
#ifdef NDEBUG
    constexpr std::size_t kStep = 3;
#else
    constexpr std::size_t kStep = 37;  // a sanitizer makes each replay ten times as slow
#endif
    auto const text = recording();
    for (std::size_t at = 0; at < text.size(); at += kStep) {
        for (char const with : {'\n', '9', '"', '-'}) {
            std::string changed = text;
            changed[at] = with;
            std::istringstream in(changed);
            auto reader = RecordingReader::open(in);
            if (!reader) {
                CHECK_FALSE(reader.error().message.empty());
                continue;
            }
            Replay replay(reader->header());
            for (;;) {
                auto step = reader->next();
                if (!step || !*step) {
                    break;
                }
                replay.play(**step, reader->line());
            }
        }
    }
}

TEST_CASE("recording: garbage is named with its line and what to do", "[trace][unit]") {
    auto const text = recording();
    CHECK_THAT(read("").error, ContainsSubstring("it is empty; plimsoll serve --record"));
    CHECK_THAT(
        read("time,model,seconds\n1,a,2\n").error,
        ContainsSubstring("line 1: this is no recording; name a file that plimsoll serve --record")
    );
    CHECK_THAT(read("{}\n").error, ContainsSubstring("this is no recording"));
    CHECK_THAT(
        read(replaced(text, "\"version\":1", "\"version\":7")).error,
        ContainsSubstring("has format 7, this Plimsoll reads 1; replay it with plimsoll 1.2.3")
    );
    CHECK_THAT(
        read(replaced(text, "\"parallel\":1", "\"parallel\":-1")).error,
        ContainsSubstring("line 1: pools.config.parallel: wants a whole number, not below 0")
    );
    CHECK_THAT(
        read(replaced(text, "\"has_own_ctx\"", "\"has_our_ctx\"")).error,
        ContainsSubstring("line 2: event.ticket.demand.has_own_ctx: wants this member, which is")
    );
    CHECK_THAT(
        read(replaced(text, "\"use_mmap\"", "\"use_map\"")).error,
        ContainsSubstring("event.ticket.demand.settings.options.use_map: wants no such member")
    );
    CHECK_THAT(
        read(replaced(text, "\"arrived\"", "\"arived\"")).error,
        ContainsSubstring("line 2: event: wants a \"kind\" of this version, not arived")
    );
    CHECK_THAT(
        read(replaced(text, "\"at\":3,", "\"at\":1,")).error,
        ContainsSubstring("line 4: its time lies before that of the line above; record again")
    );
    CHECK_THAT(
        read(replaced(text, "\"pool\":\"two\"", "\"pool\":\"six\"")).error,
        ContainsSubstring("the header names no pool six")
    );
    CHECK_THAT(
        read(replaced(text, "\"end\":19", "\"end\":18")).error,
        ContainsSubstring("line 21: it ends after 19 events, but says otherwise")
    );
    CHECK_THAT(read(text + "{}\n").error, ContainsSubstring("something follows the end"));
    CHECK_THAT(
        read(text.substr(0, text.find('\n') + 1) + std::string(9U << 20U, 'x')).error,
        ContainsSubstring("line 2: it is longer than any event")
    );
}

TEST_CASE("replay: the first difference is told, with its line", "[trace][unit]") {
    core::SchedulerConfig settings;
    settings.budget = gibibytes(8);
    RecordingWriter writer({"1", "now", kOrigin, {{"one", settings}}}, kSalt);
    core::Scheduler scheduler(settings);
    std::string text = writer.header_line();
    TimePoint at = kOrigin;
    auto const tell = [&](core::Event const& event) {
        at += 1s;
        text += writer.step_line({0, at, event, scheduler.on(event, at)});
    };
    core::Ticket ticket;
    ticket.id = core::TicketId{1};
    ticket.client = "anna";
    ticket.demand = demand();
    ticket.demand.upstream_estimate = {};
    tell(core::TicketArrived{ticket});
    tell(core::Observed{{}, at});
    tell(core::LoadSucceeded{core::InstanceId{1}, gibibytes(3), gibibytes(3), 4096, 1s, {}});
    tell(core::TicketEnded{core::TicketId{1}, core::TicketOutcome::Done});
    text += writer.end_line();

    auto const play = [](std::string const& file) {
        Replay replay(RecordingHeader{"1", "now", kOrigin, {{"one", {}}}});
        std::istringstream in(file);
        auto reader = RecordingReader::open(in);
        REQUIRE(reader);
        replay = Replay(reader->header());
        std::vector<Decision> all;
        for (auto step = reader->next(); step && *step; step = reader->next()) {
            for (auto& decision : replay.play(**step, reader->line())) {
                all.push_back(std::move(decision));
            }
        }
        return std::pair(std::move(replay), std::move(all));
    };
    auto const [same, decisions] = play(text);
    CHECK_FALSE(same.difference());
    CHECK(same.tally().events == 4);
    CHECK(same.tally().loads == 1);
    CHECK(same.tally().dispatches == 1);
    CHECK(same.tally().longest_wait == 2s);
    CHECK(same.tally().length == 4s);
    auto const is_load = [](Decision const& each) { return kind_of(each.action) == "load"; };
    auto const load = std::ranges::find_if(decisions, is_load);
    REQUIRE(load != decisions.end());
    CHECK(load->model == "gemma3:4b");
    CHECK(load->at == 2s);
    CHECK(decisions.back().model == "gemma3:4b");

    auto const [other, ignored] = play(replaced(text, "\"waited\":2000000000", "\"waited\":2"));
    REQUIRE(other.difference());
    CHECK(other.difference()->line == 4);
    CHECK(other.difference()->at == 3s);
    CHECK_THAT(other.difference()->recorded, ContainsSubstring("\"waited\":2,"));
    CHECK_THAT(other.difference()->replayed, ContainsSubstring("\"waited\":2000000000,"));
}
