#include "app/chain_source.hpp"

#include "app/json_view.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/chain/chains.hpp>
#include <plimsoll/config/config.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

namespace plimsoll::app {
namespace {

constexpr std::size_t kMostBytes = 16UL << 20;  // what the API takes in one request
constexpr std::size_t kLongestName = 64;
constexpr std::string_view kStandardInput = "standard input";

Result<std::string> read_all(std::istream& in, std::string const& name) {
    std::string text;
    std::array<char, 65536> part;
    while (in.read(part.data(), part.size()) || in.gcount() > 0) {
        text.append(part.data(), static_cast<std::size_t>(in.gcount()));
        if (text.size() > kMostBytes) {
            return fail(
                Errc::TooLarge, name + " is longer than 16 MiB, the most that Plimsoll takes"
            );
        }
    }
    if (in.bad()) {
        return fail(Errc::Io, name + " cannot be read to its end");
    }
    return text;
}

// "line 3, column 12: what" to "FILE:3:12: what", the form that editors jump to.
std::string located(std::string const& name, std::string const& message) {
    constexpr std::string_view kLine = "line ";
    constexpr std::string_view kColumn = ", column ";
    auto const comma = message.find(kColumn);
    auto const colon = message.find(": ");
    if (!message.starts_with(kLine) || comma == std::string::npos || colon < comma) {
        return name + ": " + printable(message, 2000);
    }
    auto const line = message.substr(kLine.size(), comma - kLine.size());
    auto const start = comma + kColumn.size();
    return fmt::format(
        "{}:{}:{}: {}",
        name,
        line,
        message.substr(start, colon - start),
        printable(message.substr(colon + 2), 2000)
    );
}

bool is_toml(SourceText const& source, std::string const& file) {
    if (iends_with(file, ".toml") || iends_with(file, ".json")) {
        return iends_with(file, ".toml");
    }
    auto const text = trim(source.text);
    return !text.empty() && !text.starts_with('{');
}

}  // namespace

bool is_chain_file(std::string const& text) {
    if (text == "-" || iends_with(text, ".json") || iends_with(text, ".toml")) {
        return true;
    }
    std::error_code error;
    auto const status = std::filesystem::status(text, error);
    return std::filesystem::exists(status) && !std::filesystem::is_directory(status);
}

bool is_plain_name(std::string_view text) {
    constexpr std::string_view kTaken =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    return !text.empty() && text.size() <= kLongestName &&
           text.find_first_not_of(kTaken) == std::string_view::npos;
}

Result<SourceText> read_source(std::string const& file) {
    SourceText out{.name = file == "-" ? std::string(kStandardInput) : printable(file), .text = {}};
    if (file == "-") {
        auto text = read_all(std::cin, out.name);
        if (!text) {
            return fail(std::move(text).error());
        }
        out.text = std::move(*text);
        return out;
    }
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) {
        return fail(Errc::Io, out.name + " is a folder; name a file in it");
    }
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return fail(
            Errc::NotFound,
            fmt::format("{} cannot be opened: {}", out.name, std::generic_category().message(errno))
        );
    }
    auto text = read_all(in, out.name);
    if (!text) {
        return fail(std::move(text).error());
    }
    out.text = std::move(*text);
    return out;
}

std::expected<boost::json::value, std::string> parse_chain(
    SourceText const& source, std::string const& file
) {
    if (is_toml(source, file)) {
        auto parsed = config::toml_to_json(source.text);
        if (!parsed) {
            return std::unexpected(fmt::format(
                "{}:{}: {}", source.name, parsed.error().line, printable(parsed.error().text, 2000)
            ));
        }
        return std::move(*parsed);
    }
    auto parsed = chain::parse_document(source.text);
    if (!parsed) {
        return std::unexpected(located(source.name, chain::to_text(parsed.error())));
    }
    return std::move(*parsed);
}

std::vector<std::string> problem_lines(std::string const& name, boost::json::value const& answer) {
    std::vector<std::string> out;
    for (auto const& problem : JsonView(answer)["problems"].items()) {
        auto const pointer = printable(problem["at"].text(), 500);
        out.push_back(fmt::format(
            "{}: {}{}{}",
            name,
            pointer,
            pointer.empty() ? "" : ": ",
            printable(problem["problem"].text(), 2000)
        ));
    }
    return out;
}

}  // namespace plimsoll::app
