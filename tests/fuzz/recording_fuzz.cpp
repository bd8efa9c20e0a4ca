// Any bytes as a recording give a reason that fits on a line, or steps that a replay can play.

#include <plimsoll/base/result.hpp>
#include <plimsoll/trace/from_recording.hpp>
#include <plimsoll/trace/recording.hpp>
#include <plimsoll/trace/replay.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>

namespace {

using namespace plimsoll;

void check(Error const& error) {
    PLIMSOLL_ASSERT(!error.message.empty());
    PLIMSOLL_ASSERT(std::ranges::none_of(error.message, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    }));
}

void replay(std::string const& text) {
    std::istringstream in(text);
    auto reader = trace::RecordingReader::open(in);
    if (!reader) {
        return check(reader.error());
    }
    trace::Replay player(reader->header());
    while (true) {
        auto const step = reader->next();
        if (!step) {
            return check(step.error());
        }
        if (!*step) {
            return;
        }
        static_cast<void>(player.play(**step, reader->line()));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string const text(reinterpret_cast<char const*>(data), size);
    replay(text);
    std::istringstream in(text);
    auto const recorded = trace::workload_of(in, {}, {});
    if (!recorded) {
        check(recorded.error());
    }
    return 0;
}
