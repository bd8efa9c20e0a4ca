#include "net/body_reader.hpp"

#include <algorithm>
#include <cstring>

namespace plimsoll::net {

BodyReader::BodyReader(http::Framing framing) : framing_(framing) {
    using enum http::Framing::Kind;
    done_ = framing.kind == None || (framing.kind == Length && framing.length == 0);
}

void BodyReader::skip(std::uint64_t count) {
    framing_.length -= count;
    done_ = framing_.length == 0;
}

Result<std::string_view> BodyReader::take(Buffer& in) {
    if (done_ || in.empty()) {
        return std::string_view();
    }
    if (framing_.kind == http::Framing::Kind::Chunked) {
        return take_chunks(in);
    }
    std::string_view piece = in.view();
    if (framing_.kind == http::Framing::Kind::Length) {
        piece = piece.substr(0, std::min<std::uint64_t>(piece.size(), framing_.length));
        skip(piece.size());
    }
    in.consume(piece.size());
    return piece;
}

// One flush of the sender may be many chunks in one read; it must leave as one write. So the
// payloads are moved together over the chunk headers between them. The first stays where it is: one
// large chunk is not copied at all.
Result<std::string_view> BodyReader::take_chunks(Buffer& in) {
    std::span<char> const bytes = in.bytes();
    std::string_view rest = in.view();
    char* begin = nullptr;
    std::size_t size = 0;
    while (!rest.empty()) {
        auto const step = decoder_.next(rest);
        if (!step) {
            return fail(step.error());
        }
        if (!step->payload.empty()) {
            char* const from = bytes.data() + (step->payload.data() - bytes.data());
            if (begin == nullptr) {
                begin = from;
            } else {
                std::memmove(begin + size, from, step->payload.size());
            }
            size += step->payload.size();
        }
        rest.remove_prefix(step->consumed);
        if (step->done) {
            done_ = true;
            break;
        }
        if (step->consumed == 0) {
            break;
        }
    }
    in.consume(in.size() - rest.size());
    return std::string_view(begin, size);
}

}  // namespace plimsoll::net
