#include "config/settings.hpp"
#include "config/value.hpp"

#include <plimsoll/base/model_name.hpp>

#include <spdlog/fmt/fmt.h>

#include <cstddef>
#include <iterator>
#include <utility>

namespace plimsoll::config {

namespace {

// One line a setting, with where it came from unless that is the built-in default.
class Writer final : public SectionVisitor {
  public:
    Writer(Loaded const& loaded, std::string& out) : loaded_(loaded), out_(out) {}

    void section(std::string header, std::string path, std::string_view) override {
        fmt::format_to(std::back_inserter(out_), "\n{}\n", header);
        path_ = std::move(path);
    }

    void setting(std::string_view key, Kind const& kind, std::string_view) override {
        std::optional<std::string> const text = kind.write();
        if (!text) {
            return;
        }
        std::string const line = fmt::format("{} = {}", key, *text);
        auto const found = loaded_.origins.find(
            path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key)
        );
        std::string const origin = found == loaded_.origins.end() ? "default" : found->second;
        fmt::format_to(std::back_inserter(out_), "{:<44} # {}\n", line, origin);
    }

    void later(std::string_view) override {}

  private:
    Loaded const& loaded_;
    std::string& out_;
    std::string path_;
};

}  // namespace

std::string show(Loaded const& loaded) {
    Config config = loaded.config;  // visiting takes references that it could write through
    std::string out =
        "# Effective configuration of Plimsoll; the comments say where each value came from.\n";
    for (std::string const& source : loaded.sources) {
        fmt::format_to(std::back_inserter(out), "# Read: {}\n", source);
    }
    Writer writer(loaded, out);
    visit_all(writer, config);
    return out;
}

}  // namespace plimsoll::config
