#include "app/replay_view.hpp"
#include "app/run.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace plimsoll::app {
namespace {

constexpr int kDiffers = 1;
constexpr int kBadInput = 2;

int refuse(std::string const& file, std::string const& what) {
    std::fprintf(stderr, "plimsoll replay: %s: %s\n", printable(file, 200).c_str(), what.c_str());
    return kBadInput;
}

// "llama3" and "llama3:latest" are one model.
std::string key_of(std::string const& model) {
    auto const name = ModelName::parse(model);
    return name ? name->key() : model;
}

bool is_wanted(trace::Decision const& decision, ReplayOptions const& options) {
    return decision.at >= options.from && (!options.to || decision.at <= *options.to) &&
           (options.model.empty() || key_of(decision.model) == key_of(options.model));
}

// The whole recording goes through the schedulers, whatever of it is shown: what they decide hangs
// on all that was before.
class Player {
  public:
    Player(ReplayOptions const& options, trace::RecordingReader reader)
        : options_(options), reader_(std::move(reader)), replay_(reader_.header()) {}

    int run();

  private:
    void show(trace::Decision const& decision);
    void show_end();

    ReplayOptions const& options_;
    trace::RecordingReader reader_;
    trace::Replay replay_;
    boost::json::array decisions_;
    Terminal terminal_ = terminal_of(1);
};

void Player::show(trace::Decision const& decision) {
    if (options_.quiet || !is_wanted(decision, options_)) {
        return;
    }
    if (options_.json) {
        decisions_.push_back(decision_json(decision, reader_.header()));
    } else {
        std::fputs(render_decision(decision, reader_.header(), terminal_).c_str(), stdout);
    }
}

void Player::show_end() {
    if (!options_.json) {
        std::fputs(render_tally(replay_, reader_.header()).c_str(), stdout);
        return;
    }
    auto all = summary_json(replay_, reader_.header(), reader_.missing_end());
    if (!options_.quiet) {
        all["decisions"] = std::move(decisions_);
    }
    std::printf("%s\n", boost::json::serialize(all).c_str());
}

int Player::run() {
    if (!options_.json) {
        std::fputs(render_header(reader_.header()).c_str(), stdout);
    }
    for (;;) {
        auto const step = reader_.next();
        if (!step) {
            std::fflush(stdout);
            return refuse(options_.file, step.error().message);
        }
        if (!*step) {
            break;
        }
        for (trace::Decision const& decision : replay_.play(**step, reader_.line())) {
            show(decision);
        }
    }
    show_end();
    std::fflush(stdout);
    if (!reader_.missing_end().empty()) {
        std::fprintf(
            stderr,
            "plimsoll replay: warning: %s: the end is missing: %s. It is still being written, or "
            "the daemon was killed\n",
            printable(options_.file, 200).c_str(),
            reader_.missing_end().c_str()
        );
    }
    return replay_.difference() ? kDiffers : 0;
}

}  // namespace

int run_replay(ReplayOptions const& options) {
    std::error_code failure;
    if (std::filesystem::is_directory(options.file, failure)) {
        return refuse(options.file, "this is a folder; name the file that --record wrote");
    }
    std::ifstream in(options.file, std::ios::binary);
    if (!in) {
        return refuse(
            options.file,
            "cannot be read: " + std::system_category().message(errno) +
                "; name the file that --record wrote"
        );
    }
    auto reader = trace::RecordingReader::open(in);
    if (!reader) {
        return refuse(options.file, reader.error().message);
    }
    return Player(options, std::move(*reader)).run();
}

}  // namespace plimsoll::app
