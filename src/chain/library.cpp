#include "chain/library.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <system_error>

namespace plimsoll::chain {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestFile = 4U << 20U;
constexpr std::size_t kMostFiles = 10'000;

std::unexpected<Error> io(fs::path const& file, std::string_view what, std::string_view why) {
    return fail(Errc::Io, fmt::format("{}: {}: {}", printable(file.string()), what, why));
}

std::expected<std::string, std::string> read_text(fs::path const& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return std::unexpected("cannot be read: " + std::system_category().message(errno));
    }
    std::string text(kLargestFile + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > kLargestFile) {
        return std::unexpected(fmt::format("is larger than {} bytes", kLargestFile));
    }
    return text;
}

SavedFile read_chain(fs::path const& file, std::string name, ReadToml const& read_toml) {
    SavedFile out{.name = std::move(name), .document = nullptr, .problems = {}};
    auto const text = read_text(file);
    if (!text) {
        out.problems.push_back({"", file.filename().string() + " " + text.error()});
        return out;
    }
    if (file.extension() == ".toml") {
        auto parsed = read_toml(*text);
        if (parsed) {
            out.document = std::move(*parsed);
        } else {
            out.problems.push_back(
                {"", fmt::format("line {}: {}", parsed.error().line, parsed.error().message)}
            );
        }
        return out;
    }
    auto parsed = parse_document(*text);
    if (parsed) {
        out.document = std::move(*parsed);
    } else {
        out.problems = std::move(parsed.error());
    }
    return out;
}

}  // namespace

bool is_endpoint_name(std::string_view name) {
    return name == "run" || name == "check";
}

Result<void> check_chain_name(std::string_view name) {
    if (is_endpoint_name(name)) {
        return fail(
            Errc::BadRequest,
            fmt::format(
                "\"{0}\" is taken by the endpoint /plimsoll/v1/chains/{0}; name it otherwise", name
            ),
            ErrorSource::Client
        );
    }
    if (!is_name(name)) {
        return fail(
            Errc::BadRequest,
            fmt::format(
                "\"{}\" is no name of a chain: letters, digits, _ and -, at most 64",
                printable(name, 80)
            ),
            ErrorSource::Client
        );
    }
    return {};
}

Result<std::vector<SavedFile>> read_folder(fs::path const& folder, ReadToml const& read_toml) {
    std::map<std::string, SavedFile> all;
    std::error_code error;
    if (!fs::exists(folder, error)) {
        return std::vector<SavedFile>();
    }
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        auto const& file = entry->path();
        auto const extension = file.extension();
        auto name = file.stem().string();
        bool const is_ours = (extension == ".json" || extension == ".toml") &&
                             check_chain_name(name).has_value() && all.size() < kMostFiles;
        bool const is_second = extension == ".toml" && fs::exists(folder / (name + ".json"));
        if (is_ours && !is_second) {
            auto saved = read_chain(file, name, read_toml);
            all.insert_or_assign(std::move(name), std::move(saved));
        }
    }
    if (error) {
        return io(folder, "the folder of saved chains cannot be read", error.message());
    }
    std::vector<SavedFile> out;
    for (auto& [name, saved] : all) {
        out.push_back(std::move(saved));
    }
    return out;
}

Result<void> write_chain(
    fs::path const& folder, std::string const& name, boost::json::value const& document
) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) {
        return io(folder, "the folder of saved chains cannot be made", error.message());
    }
    auto const target = folder / (name + ".json");
    auto const draft = folder / ("." + name + ".json.new");
    {
        std::ofstream out(draft, std::ios::binary | std::ios::trunc);
        out << boost::json::serialize(document) << '\n';
        out.flush();
        if (!out) {
            return io(draft, "cannot be written", std::system_category().message(errno));
        }
    }
    fs::rename(draft, target, error);
    if (error) {
        return io(target, "cannot be written", error.message());
    }
    fs::remove(folder / (name + ".toml"), error);  // what it replaces
    return {};
}

Result<void> remove_chain(fs::path const& folder, std::string const& name) {
    bool was_there = false;
    for (char const* const extension : {".json", ".toml"}) {
        std::error_code error;
        was_there = fs::remove(folder / (name + extension), error) || was_there;
        if (error) {
            return io(folder / (name + extension), "cannot be deleted", error.message());
        }
    }
    if (!was_there) {
        return fail(Errc::NotFound, fmt::format("there is no saved chain \"{}\"", name));
    }
    return {};
}

}  // namespace plimsoll::chain
