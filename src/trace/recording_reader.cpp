#include <plimsoll/trace/recording.hpp>

#include "trace/decode.hpp"
#include "trace/format.hpp"
#include <boost/json/parse.hpp>

#include <algorithm>

namespace plimsoll::trace {

namespace json = boost::json;

namespace {

// Of a list with thousands of rows; what is longer is some other file.
constexpr std::size_t kLongestLine = 8U << 20U;
constexpr std::string_view kAdvice =
    "; record again with plimsoll serve --record, or cut the file before this line";

// Model names come from the upstream as they are, so the text may be any bytes.
json::value parsed(std::string const& text) {
    json::parse_options options;
    options.allow_invalid_utf8 = true;
    boost::system::error_code failure;
    auto value = json::parse(text, failure, {}, options);
    return failure ? json::value() : value;
}

bool read_pool(Decoder& decoder, json::value const& in, Pool& out) {
    auto const* const pool = in.if_object();
    auto const* const name = pool == nullptr ? nullptr : pool->if_contains("name");
    auto const* const config = pool == nullptr ? nullptr : pool->if_contains("config");
    if (name == nullptr || config == nullptr) {
        return decoder.wants("a name and a config");
    }
    return (decoder.read(*name, out.name) || decoder.in("name")) &&
           (decoder.read(*config, out.config) || decoder.in("config"));
}

// The members of an object by name; nullptr: not there.
struct Members {
    json::object const* object;

    json::value const* operator[](std::string_view key) const {
        return object == nullptr ? nullptr : object->if_contains(key);
    }
};

template <class T>
bool read_member(Decoder& decoder, Members members, std::string_view key, T& out) {
    auto const* const value = members[key];
    if (value == nullptr) {
        decoder.wants("this member, which is missing");
        return decoder.in(key);
    }
    return decoder.read(*value, out) || decoder.in(key);
}

}  // namespace

Result<RecordingReader> RecordingReader::open(std::istream& in) {
    RecordingReader reader(in);
    auto const header = reader.read_header();
    if (!header) {
        return fail(header.error());
    }
    return reader;
}

RecordingReader::Read RecordingReader::read_line() {
    text_.clear();
    auto* const buffer = in_->rdbuf();
    using Traits = std::istream::traits_type;
    for (auto next = buffer->sbumpc(); next != Traits::eof(); next = buffer->sbumpc()) {
        if (text_.empty()) {
            ++line_;
        }
        char const character = Traits::to_char_type(next);
        if (character == '\n') {
            return Read::Whole;
        }
        if (text_.size() == kLongestLine) {
            return Read::TooLong;
        }
        text_ += character;
    }
    return text_.empty() ? Read::Nothing : Read::Cut;
}

std::unexpected<Error> RecordingReader::bad(std::string_view what) const {
    return fail(Errc::Invalid, "line " + std::to_string(line_) + ": " + std::string(what));
}

Result<void> RecordingReader::read_header() {
    Read const read = read_line();
    if (read == Read::Nothing) {
        return fail(
            Errc::Invalid, "it is empty; plimsoll serve --record writes the first line at its start"
        );
    }
    auto const value = read == Read::TooLong ? json::value() : parsed(text_);
    Members const members{value.if_object()};
    auto const* const format = members["format"];
    bool const is_ours = format != nullptr && format->is_string() && format->as_string() == kFormat;
    if (!is_ours && read == Read::Cut && text_.starts_with('{')) {
        return bad("the header is cut off, so nothing can be replayed; record again");
    }
    if (!is_ours) {
        return bad("this is no recording; name a file that plimsoll serve --record wrote");
    }
    if (read == Read::Cut) {
        return bad("the header is cut off, so nothing can be replayed; record again");
    }
    Decoder plain{TimePoint()};
    std::uint64_t version = 0;
    bool is_good = read_member(plain, members, "version", version) &&
                   read_member(plain, members, "plimsoll", header_.plimsoll);
    if (is_good && version != kVersion) {
        return bad(
            "the recording has format " + std::to_string(version) + ", this Plimsoll reads " +
            std::to_string(kVersion) + "; replay it with plimsoll " +
            printable(header_.plimsoll, 40)
        );
    }
    is_good = is_good && read_member(plain, members, "started", header_.started) &&
              read_member(plain, members, "origin", header_.origin);
    auto const* const pools = members["pools"];
    auto const* const list = pools == nullptr ? nullptr : pools->if_array();
    if (is_good && (list == nullptr || list->empty())) {
        plain.wants("a list of pools");
        is_good = plain.in("pools");
    }
    for (std::size_t i = 0; is_good && i < list->size(); ++i) {
        is_good = read_pool(plain, (*list)[i], header_.pools.emplace_back()) || plain.in("pools");
    }
    last_ = header_.origin;
    return is_good ? Result<void>() : bad(plain.problem() + "; record again");
}

Result<void> RecordingReader::read_end() {
    is_over_ = true;
    auto const value = parsed(text_);
    auto const* const end = Members{value.if_object()}["end"];
    std::uint64_t steps = 0;
    if (end == nullptr || !Decoder{TimePoint()}.read(*end, steps) || steps != steps_) {
        return bad(
            "it ends after " + std::to_string(steps_) + " events, but says otherwise" +
            std::string(kAdvice)
        );
    }
    if (read_line() != Read::Nothing) {
        return bad("something follows the end" + std::string(kAdvice));
    }
    return {};
}

Result<Step> RecordingReader::read_step() {
    auto const value = parsed(text_);
    Members const members{value.if_object()};
    if (members.object == nullptr) {
        return bad("this is no JSON object" + std::string(kAdvice));
    }
    Decoder decoder(header_.origin);
    Step step;
    std::string pool;
    bool const is_good = read_member(decoder, members, "at", step.at) &&
                         read_member(decoder, members, "pool", pool) &&
                         read_member(decoder, members, "event", step.event) &&
                         read_member(decoder, members, "actions", step.actions);
    if (!is_good) {
        return bad(decoder.problem() + std::string(kAdvice));
    }
    auto const found = std::ranges::find(header_.pools, pool, &Pool::name);
    if (found == header_.pools.end()) {
        return bad("the header names no pool " + printable(pool, 40) + std::string(kAdvice));
    }
    if (step.at < last_) {
        return bad("its time lies before that of the line above" + std::string(kAdvice));
    }
    step.pool = static_cast<std::size_t>(found - header_.pools.begin());
    last_ = step.at;
    ++steps_;
    return step;
}

Result<std::optional<Step>> RecordingReader::next() {
    if (is_over_) {
        return std::nullopt;
    }
    switch (read_line()) {
        case Read::Whole:
            break;
        case Read::TooLong:
            return bad("it is longer than any event" + std::string(kAdvice));
        case Read::Cut:
            is_over_ = true;
            missing_end_ =
                "line " + std::to_string(line_) + " is cut off; the events before it are whole";
            return std::nullopt;
        case Read::Nothing:
            is_over_ = true;
            missing_end_ = "the last line is missing; the events before it are whole";
            return std::nullopt;
    }
    if (text_.starts_with(R"({"end")")) {
        auto const end = read_end();
        if (!end) {
            return fail(end.error());
        }
        return std::nullopt;
    }
    auto step = read_step();
    if (!step) {
        return fail(step.error());
    }
    return std::move(*step);
}

}  // namespace plimsoll::trace
