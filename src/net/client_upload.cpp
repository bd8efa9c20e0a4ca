// Sending a request, with an eye on an answer that comes before all of it was sent.

#include "net/client_call.hpp"
#include "net/loop_impl.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/uio.h>

#include <array>

namespace plimsoll::net {

namespace {

// Where sending stands in a list of pieces.
class Cursor {
  public:
    explicit Cursor(std::span<std::string_view const> pieces) : pieces_(pieces) { skip_empty(); }

    [[nodiscard]] bool is_done() const { return pieces_.empty(); }

    std::span<iovec> gather() {
        std::size_t count = 0;
        for (auto const piece : pieces_) {
            if (count == vectors_.size()) {
                break;
            }
            auto const rest = count == 0 ? piece.substr(offset_) : piece;
            // The C interface has no const; sendmsg only reads.
            vectors_[count++] = {
                .iov_base = const_cast<char*>(rest.data()), .iov_len = rest.size()
            };
        }
        return std::span(vectors_).first(count);
    }

    void advance(std::size_t count) {
        offset_ += count;
        while (!pieces_.empty() && offset_ >= pieces_.front().size()) {
            offset_ -= pieces_.front().size();
            pieces_ = pieces_.subspan(1);
        }
    }

  private:
    void skip_empty() { advance(0); }

    std::span<std::string_view const> pieces_;
    std::size_t offset_ = 0;
    std::array<iovec, 16> vectors_;
};

http::Framing framing_of(ClientRequest const& request) {
    if (request.source) {
        return request.source_framing;
    }
    std::uint64_t size = 0;
    for (auto const piece : request.pieces) {
        size += piece.size();
    }
    if (request.has_body || size > 0) {
        return {.kind = http::Framing::Kind::Length, .length = size};
    }
    return {};
}

}  // namespace

Task<Result<void>> ClientResponse::Impl::send_all(ClientRequest const& request) {
    http::Fields with_credential;
    auto const& credential = core_->config.authorization;
    if (!credential.empty()) {
        with_credential = request.fields;
        with_credential.set("Authorization", credential);
    }
    std::string const text = http::write_request_head(
        request.method,
        request.target,
        core_->host_field,
        credential.empty() ? request.fields : with_credential,
        framing_of(request)
    );
    std::vector<std::string_view> pieces{text};
    if (!request.source) {
        pieces.insert(pieces.end(), request.pieces.begin(), request.pieces.end());
    }
    // The requests of one turn of the loop leave together, but for the first: an upstream that
    // sleeps between requests is then woken twice, and not once for each (a quarter of the CPU of
    // a small request at 32 connections).
    if (!core_->loop.impl().is_first_of_turn()) {
        co_await stream_->yield();
    }
    auto const sent = co_await send_pieces(request, pieces);
    if (!sent) {
        co_return sent;
    }
    if (request.source && !stops_upload()) {
        auto const streamed = co_await send_source(request);
        if (!streamed) {
            co_return streamed;
        }
    }
    sent_ = !stops_upload();
    co_return Result<void>();
}

Task<Result<void>> ClientResponse::Impl::send_source(ClientRequest const& request) {
    bool const chunked = request.source_framing.kind == http::Framing::Kind::Chunked;
    std::uint64_t left = request.source_framing.length;
    bool noticed = false;
    stream_->watch([&noticed] { noticed = true; });
    while (true) {
        used_source_ = true;
        auto const piece = co_await request.source();
        if (!piece) {
            co_return fail(piece.error());
        }
        if (noticed) {
            noticed = false;
            auto const looked = fill(stream_->read(input_.prepare(4096)));
            auto const parsed = looked ? co_await parse_heads(request) : looked;
            if (!parsed) {
                co_return parsed;
            }
            stream_->watch([&noticed] { noticed = true; });
        }
        if (stops_upload()) {
            break;
        }
        if (!chunked && piece->size() != left && (piece->empty() || piece->size() > left)) {
            co_return fail(
                Errc::BadRequest,
                fmt::format(
                    "the request body is not as long as announced: {} bytes are missing, {} came",
                    left,
                    piece->size()
                ),
                ErrorSource::Client
            );
        }
        left -= chunked ? 0 : piece->size();
        char header[20];
        std::array<std::string_view, 3> parts{*piece, {}, {}};
        if (chunked) {
            parts = piece->empty()
                        ? std::array<std::string_view, 3>{http::kLastChunk, {}, {}}
                        : std::array{
                              http::chunk_header(piece->size(), header), *piece, http::kChunkEnd
                          };
        }
        auto const sent = co_await send_pieces(request, parts);
        if (!sent) {
            co_return sent;
        }
        if (stops_upload() || piece->empty()) {
            break;
        }
    }
    stream_->unwatch();
    co_return Result<void>();
}

Task<Result<void>> ClientResponse::Impl::send_pieces(
    ClientRequest const& request, std::span<std::string_view const> pieces
) {
    Cursor cursor(pieces);
    while (!cursor.is_done() && !stops_upload()) {
        IoStep const step = stream_->write(cursor.gather());
        if (step.kind == IoStep::Kind::Moved) {
            cursor.advance(step.bytes);
            if (stream_->wants_yield()) {
                co_await stream_->yield();
            }
        } else if (step.kind == IoStep::Kind::WouldBlock) {
            auto const ready = co_await await_send(request);
            if (!ready) {
                co_return ready;
            }
        } else {
            broken_ = true;
        }
    }
    co_return Result<void>();
}

Task<Result<void>> ClientResponse::Impl::await_send(ClientRequest const& request) {
    Ready const ready = co_await stream_->wait(
        Stream::Either, deadline_after(core_->loop.now(), request.head_timeout)
    );
    if (ready != Ready::Yes) {
        co_return fail(after_wait(ready, request.head_timeout, "it takes no more of the request"));
    }
    if (stream_->peek() == Peek::Nothing) {
        co_return Result<void>();
    }
    auto const looked = fill(stream_->read(input_.prepare(4096)));
    if (!looked) {
        // The end of the connection: read_head() says what it means.
        broken_ = true;
        co_return Result<void>();
    }
    co_return co_await parse_heads(request);
}

}  // namespace plimsoll::net
