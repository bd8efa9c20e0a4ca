// From a text to a document, and from problems to a text.

#include <plimsoll/base/text.hpp>
#include <plimsoll/chain/chains.hpp>

#include <boost/json/stream_parser.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::chain {

namespace {

constexpr std::size_t kDeepest = 64;

// "line 3, column 12"
std::string place_of(std::string_view text, std::size_t offset) {
    auto const before = text.substr(0, offset);
    auto const line = std::ranges::count(before, '\n') + 1;
    auto const start = before.rfind('\n');
    auto const column = offset - (start == std::string_view::npos ? 0 : start + 1) + 1;
    return fmt::format("line {}, column {}", line, column);
}

}  // namespace

std::expected<boost::json::value, std::vector<Problem>> parse_document(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = kDeepest;
    boost::json::stream_parser parser({}, options);
    boost::system::error_code error;
    auto const read = parser.write_some(text.data(), text.size(), error);
    auto const rest = trim(text.substr(read));
    if (!error && !rest.empty()) {
        return std::unexpected(std::vector<Problem>{
            {"", place_of(text, read) + ": there is more text behind the JSON document"}
        });
    }
    if (!error) {
        parser.finish(error);
    }
    if (error) {
        std::string const what = trim(text).empty()    ? "the document is empty"
                                 : read >= text.size() ? "this is not JSON: it ends too early"
                                                       : "this is not JSON: " + error.message();
        return std::unexpected(
            std::vector<Problem>{{"", fmt::format("{}: {}", place_of(text, read), what)}}
        );
    }
    return parser.release();
}

std::string to_text(std::vector<Problem> const& problems) {
    std::string out;
    for (auto const& problem : problems) {
        out += out.empty() ? "" : "\n";
        out += problem.pointer.empty() ? problem.message : problem.pointer + ": " + problem.message;
    }
    return out;
}

}  // namespace plimsoll::chain
