#pragma once
// Saved chains: files NAME.json and NAME.toml of one folder. Reading and writing block: these are
// meant for the worker thread.

#include <plimsoll/chain/chains.hpp>

#include <boost/json/value.hpp>

#include <expected>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::chain {

using ReadToml = std::function<std::expected<boost::json::value, TextProblem>(std::string_view)>;

// A document of the folder, or what is wrong with its text.
struct SavedFile {
    std::string name;
    boost::json::value document;
    std::vector<Problem> problems;
};

// "run" and "check": a saved chain of that name would stand where an endpoint is.
bool is_endpoint_name(std::string_view name);

// Whether a saved chain may be called so; the error says why not.
Result<void> check_chain_name(std::string_view name);

// By name. Files that are named otherwise are not ours; of NAME.json and NAME.toml the first
// counts. A folder that is not there has none. Error Io.
Result<std::vector<SavedFile>> read_folder(
    std::filesystem::path const& folder, ReadToml const& read_toml
);

// Replaces it at once or not at all; makes the folder. Error Io.
Result<void> write_chain(
    std::filesystem::path const& folder, std::string const& name, boost::json::value const& document
);

// Errors: NotFound, Io.
Result<void> remove_chain(std::filesystem::path const& folder, std::string const& name);

}  // namespace plimsoll::chain
