#pragma once
// Reads one section of the configuration into its settings and collects what is wrong.

#include "config/settings.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::config {

// By path: "server.listen", "upstream.0.url", "models.NAME.pin".
using Origins = std::map<std::string, Origin>;

// Where everything that is read reports to.
struct Report {
    std::vector<Problem> problems;
    Origins origins;

    void add(Origin const& origin, std::string text) {
        problems.push_back(problem_at(origin, std::move(text)));
    }
};

class SectionReader final : public Visitor {
  public:
    // `title` is for people ("[[upstream]]"), `path` for the origins ("upstream.0").
    SectionReader(Table const& table, std::string title, std::string path, Report& report);

    void setting(std::string_view key, Kind const& kind, std::string_view) override;
    void later(std::string_view key) override;

    // Keys that are known, but are sections of their own.
    void known(std::string_view key) { known_.push_back(key); }

    // Reports every key that nobody asked for.
    void finish();

  private:
    [[nodiscard]] std::string in_title() const;

    Table const& table_;
    std::string title_;
    std::string path_;
    Report& report_;
    std::vector<std::string_view> known_;
    std::vector<std::string_view> later_;
};

// The whole tree into a configuration. What is wrong is in the report; the result then is not to be
// used.
Config read_config(Table const& table, Report& report);

// The [[key]] tables, each checked.
std::vector<access::Key> read_keys(Table const& top, Report& report);
// That each has a name and a secret of its own.
void check_keys(std::vector<access::Key> const& keys, Report& report);

// What no section can see alone.
void cross_check(Config const& config, Report& report);

}  // namespace plimsoll::config
