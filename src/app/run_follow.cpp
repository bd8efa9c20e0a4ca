#include "app/run_follow.hpp"

#include "app/chain_progress.hpp"
#include "app/chain_source.hpp"
#include "app/json_view.hpp"
#include "app/terminal.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace plimsoll::app {
namespace {

namespace json = boost::json;

constexpr std::size_t kUsualWidth = 110;
constexpr std::size_t kNarrowest = 20;
constexpr std::size_t kMargin = 4;  // the ellipsis of what is cut, and the last column

// Asked anew each time: windows change.
std::size_t width_of_terminal() {
    winsize size{};
    bool const is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return std::max((is_known ? size.ws_col : kUsualWidth) - kMargin, kNarrowest);
}

// Shows a run on standard error.
class Watcher final : public ControlClient::Follower {
  public:
    Watcher(Terminal terminal, bool is_quiet) : terminal_(terminal), is_quiet_(is_quiet) {}

    void on_event(json::value const& event, TimePoint now) override {
        auto const lines = progress_.on_event(event, now);
        if (JsonView(event)["event"].text() == "run_finished") {
            finished_ = event;
        }
        if (is_quiet_ || lines.empty()) {
            return;
        }
        clear();
        for (auto const& line : lines) {
            std::fprintf(stderr, "%s\n", terminal_.paint(line.colour, line.text).c_str());
        }
        on_tick(now);
    }

    void on_tick(TimePoint now) override {
        if (is_quiet_ || !terminal_.is_tty) {
            return;
        }
        auto const line = progress_.status(now, width_of_terminal());
        if (line.empty()) {
            clear();
            return;
        }
        std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
        std::fflush(stderr);
        is_drawn_ = true;
    }

    std::optional<ControlClient::Question> question() override {
        auto model = is_quiet_ || !terminal_.is_tty ? std::nullopt : progress_.unknown_load();
        if (!model) {
            return std::nullopt;
        }
        return ControlClient::Question{"/plimsoll/v1/plan", {{"model", std::move(*model)}}};
    }

    void on_answer(json::value const& answer, TimePoint now) override {
        progress_.on_plan(answer, now);
    }

    void clear() {
        if (is_drawn_) {
            std::fprintf(stderr, "\r\x1b[K");
            std::fflush(stderr);
            is_drawn_ = false;
        }
    }

    [[nodiscard]] std::string const& run() const { return progress_.run(); }

    [[nodiscard]] json::value const& finished() const { return finished_; }

  private:
    Terminal terminal_;
    bool is_quiet_;
    bool is_drawn_ = false;
    ChainProgress progress_;
    json::value finished_;  // null: it has not ended
};

// Who types commands is told of commands, not of requests.
std::string in_commands(std::string sentence) {
    for (auto const& [request, command] :
         {std::pair<std::string_view, std::string_view>(
              "GET /plimsoll/v1/chains", "plimsoll chain list"
          ),
          {"GET /plimsoll/v1/runs", "plimsoll runs"}}) {
        if (auto const at = sentence.find(request); at != std::string::npos) {
            sentence.replace(at, request.size(), command);
        }
    }
    return sentence;
}

int complain_of_run(std::string const& id, JsonView end) {
    auto const status = end["status"].text();
    auto const error = printable(end["error"].text(), 2000);
    if (status != "failed" && status != "cancelled") {
        complain(fmt::format("the run has not ended: {}", error));
        std::fprintf(stderr, "How far it is: plimsoll runs show %s\n", id.c_str());
        return 1;
    }
    complain(fmt::format("the run {}: {}", status == "failed" ? "failed" : "was cancelled", error));
    std::fprintf(
        stderr, "To go on at the step that had not ended: plimsoll runs resume %s\n", id.c_str()
    );
    return 1;
}

// Of what is left to be told when a stream has ended.
int conclude(ControlClient& client, Watcher const& watcher, FollowOptions const& options) {
    auto const id = printable(watcher.run(), 100);
    JsonView const end(watcher.finished());
    bool const is_good = end["status"].text() == "succeeded";
    if (options.json) {
        auto const view = client.get("/plimsoll/v1/runs/" + id);
        if (!view) {
            return complain(view.error().message);
        }
        if (!write_out(json::serialize(*view) + '\n')) {
            return 1;
        }
    }
    if (!is_good) {
        return complain_of_run(id, end);
    }
    if (options.json) {
        return 0;
    }
    auto output = end["output"].text();
    // Only for eyes: the prompt of the shell begins a line of its own.
    bool const wants_end = terminal_of(1).is_tty && !output.empty() && !output.ends_with('\n');
    output += wants_end ? "\n" : "";
    if (!write_out(output)) {
        std::fprintf(stderr, "The output is kept: plimsoll runs show %s\n", id.c_str());
        return 1;
    }
    return 0;
}

}  // namespace

int complain(std::string_view what) {
    std::fprintf(stderr, "plimsoll: %.*s\n", static_cast<int>(what.size()), what.data());
    return 1;
}

int complain(ControlClient::Reply const& reply, std::string const& source) {
    auto const problems = problem_lines(source, reply.body);
    for (auto const& line : problems) {
        std::fprintf(stderr, "%s\n", line.c_str());
    }
    return problems.empty() ? complain(in_commands(ControlClient::sentence_of(reply))) : 1;
}

bool write_out(std::string_view text) {
    bool const is_written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (is_written && std::fflush(stdout) == 0) {
        return true;
    }
    complain("standard output cannot be written: " + std::generic_category().message(errno));
    return false;
}

int follow_run(ControlClient& client, FollowOptions const& options) {
    Watcher watcher(terminal_of(2), options.quiet);
    auto const reply = client.follow(options.method, options.path, options.body, watcher);
    watcher.clear();
    if (reply && reply->status >= 400) {
        return complain(*reply, options.source);
    }
    if (!watcher.finished().is_null()) {
        return conclude(client, watcher, options);
    }
    complain(reply ? "Plimsoll ended before the run did" : reply.error().message);
    if (!watcher.run().empty()) {
        std::fprintf(
            stderr,
            "What became of it: plimsoll runs show %s\n",
            printable(watcher.run(), 100).c_str()
        );
    }
    return 1;
}

}  // namespace plimsoll::app
