#pragma once
// The way back: what a takeover wrote over what, kept until it is undone. Only root may write it,
// since whoever can decides what an undo puts under /etc.

#include "app/takeover/host.hpp"
#include "app/takeover/plan.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::app::takeover {

inline constexpr char const* kRecordFile = "/etc/plimsoll/takeover.json";

struct RecordedFile {
    std::filesystem::path path;
    std::optional<std::string> previous;  // nullopt: there was none
    std::string written;
    bool made_folder{};  // its folder was not there before
};

struct Record {
    bool is_done = false;  // false: begun, and not ended
    Address ollama_was, ollama_now, plimsoll_now;
    bool made_folder = false;  // of the record itself
    std::vector<RecordedFile> files;
    std::vector<std::string> plimsoll_units, active_before;
};

std::string to_json(Record const& record);
// Error Invalid: no such record, with what is wrong in it.
Result<Record> parse_record(std::string_view text);

// nullopt: no takeover was made. Errors as above, and Io.
Result<std::optional<Record>> load_record(Host& host);

}  // namespace plimsoll::app::takeover
