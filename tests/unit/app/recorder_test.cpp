#include "app/recorder.hpp"

#include "support/catch.hpp"
#include "support/fixtures.hpp"

#include <plimsoll/log/log.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::app;
using namespace std::chrono_literals;

namespace {

class Rig {
  public:
    Rig() {
        std::string name =
            (std::filesystem::temp_directory_path() / "plimsoll-record-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder = name;
        file = folder / "day.rec";
        log::capture_for_test([this](std::string_view line) { lines.emplace_back(line); });
    }

    ~Rig() {
        log::capture_for_test({});
        std::filesystem::remove_all(folder);
    }

    Rig(Rig const&) = delete;
    Rig& operator=(Rig const&) = delete;

    std::shared_ptr<Recorder> open(std::filesystem::path const& where) {
        auto opened = Recorder::open(loop, where, {{"one", {}}, {"two", {}}});
        REQUIRE(opened);
        return std::move(*opened);
    }

    [[nodiscard]] std::size_t warnings() const {
        return static_cast<std::size_t>(std::ranges::count_if(lines, [](auto const& line) {
            return line.find("Recording ended") != std::string::npos;
        }));
    }

    std::filesystem::path folder, file;
    net::Loop loop;
    std::vector<std::string> lines;
};

std::vector<trace::Step> steps_in(std::string const& text, std::string& missing_end) {
    std::istringstream in(text);
    auto reader = trace::RecordingReader::open(in);
    REQUIRE(reader);
    std::vector<trace::Step> out;
    for (;;) {
        auto step = reader->next();
        REQUIRE(step);
        if (!*step) {
            missing_end = reader->missing_end();
            return out;
        }
        out.push_back(std::move(**step));
    }
}

}  // namespace

TEST_CASE("recorder: what every pool was told is in the file, with its end", "[app][component]") {
    Rig rig;
    auto const recorder = rig.open(rig.file);
    auto const one = recorder->observer(0);
    auto const two = recorder->observer(1);
    rig.loop.post([&] {
        for (std::uint64_t i = 0; i < 3000; ++i) {
            two->on_step(core::TicketCancelled{core::TicketId{i}}, rig.loop.now(), {}, {});
        }
        one->on_step(core::TimePassed{}, rig.loop.now(), {core::Notice{{}, "hello"}}, {});
        recorder->finish();
        one->on_step(core::TimePassed{}, rig.loop.now(), {}, {});  // too late
    });
    rig.loop.run();

    std::string missing_end;
    auto const steps = steps_in(test::read_file(rig.file), missing_end);
    CHECK(missing_end.empty());
    REQUIRE(steps.size() == 3001);
    CHECK(steps[2999].pool == 1);
    CHECK(std::get<core::TicketCancelled>(steps[2999].event).ticket == core::TicketId{2999});
    CHECK(steps[3000].pool == 0);
    CHECK(trace::reason_of(steps[3000].actions.at(0)) == "hello");
    CHECK(rig.warnings() == 0);
    auto const permissions = std::filesystem::status(rig.file).permissions();
    CHECK((permissions & std::filesystem::perms(0077)) == std::filesystem::perms::none);
}

TEST_CASE("recorder: lines reach the file although nothing ends", "[app][component]") {
    Rig rig;
    auto const recorder = rig.open(rig.file);
    recorder->observer(0)->on_step(core::TimePassed{}, rig.loop.now(), {}, {});
    net::Timer look(rig.loop);
    std::function<void()> again = [&] {
        if (std::filesystem::file_size(rig.file) == 0) {
            look.arm(rig.loop.now() + 5ms, [&] { again(); });
        }
    };
    again();
    rig.loop.run();
    std::string missing_end;
    CHECK(steps_in(test::read_file(rig.file), missing_end).size() == 1);
    CHECK_THAT(missing_end, ContainsSubstring("the last line is missing"));
}

TEST_CASE("recorder: a recording that is there already is kept", "[app][component]") {
    Rig rig;
    std::ofstream(rig.file) << "of the crash";
    rig.open(rig.file)->finish();
    rig.loop.run();
    CHECK(test::read_file(rig.folder / "day.rec.old") == "of the crash");
    CHECK_THAT(test::read_file(rig.file), ContainsSubstring("plimsoll recording"));
}

TEST_CASE("recorder: a full disk ends it with one warning", "[app][component]") {
    if (!std::filesystem::exists("/dev/full")) {
        WARN("no /dev/full on this system");
        return;
    }
    Rig rig;
    auto const recorder = rig.open("/dev/full");
    auto const observer = recorder->observer(0);
    rig.loop.post([&] {
        for (int i = 0; i < 5000; ++i) {
            observer->on_step(core::TimePassed{}, rig.loop.now(), {}, {});
        }
    });
    rig.loop.run();
    CHECK(rig.warnings() == 1);
    observer->on_step(core::TimePassed{}, rig.loop.now(), {}, {});
    recorder->finish();
    rig.loop.run();
    CHECK(rig.warnings() == 1);
}

TEST_CASE("recorder: a file that cannot be written is an error at the start", "[app][component]") {
    Rig rig;
    auto const opened = Recorder::open(rig.loop, rig.folder / "no" / "day.rec", {{"one", {}}});
    REQUIRE_FALSE(opened);
    CHECK_THAT(opened.error().message, ContainsSubstring("cannot record to "));
    CHECK_THAT(
        opened.error().message, ContainsSubstring("No such file or directory; name another")
    );
}
