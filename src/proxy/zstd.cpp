#include "proxy/zstd.hpp"

#include <plimsoll/base/bytes.hpp>

#include <spdlog/fmt/fmt.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

namespace plimsoll::proxy {
namespace {

struct FreeStream {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

}  // namespace

Result<void> decode_zstd(std::string_view packed, std::uint64_t limit, net::Body& out) {
    std::unique_ptr<ZSTD_DStream, FreeStream> const stream(ZSTD_createDStream());
    if (!stream) {
        return fail(Errc::Io, "no memory for a zstd decoder");
    }
    // A frame may demand a window as large as it likes: 8 MiB (RFC 8878's advice) bounds what a
    // header can cost us.
    ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, 23);
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    std::size_t more = 1;
    while (in.pos < in.size || more != 0) {
        auto room = out.prepare(ZSTD_DStreamOutSize());
        room = room.first(std::min(room.size(), ZSTD_DStreamOutSize())
        );  // so that the limit is overshot by no more
        ZSTD_outBuffer piece{room.data(), room.size(), 0};
        auto const before = in.pos;
        more = ZSTD_decompressStream(stream.get(), &piece, &in);
        if (ZSTD_isError(more) != 0) {
            return fail(
                Errc::BadRequest,
                fmt::format(
                    "the body is not valid zstd: {}; send it as it is, or compress it anew",
                    ZSTD_getErrorName(more)
                ),
                ErrorSource::Client
            );
        }
        out.commit(piece.pos);
        if (out.size() > limit) {
            return fail(
                Errc::TooLarge,
                fmt::format(
                    "the body is larger than {} after zstd decoding (server.max_decoded); send "
                    "less",
                    format_bytes(Bytes(limit))
                ),
                ErrorSource::Client
            );
        }
        if (in.pos == before && piece.pos == 0 && in.pos == in.size && more != 0) {
            return fail(Errc::BadRequest, "unexpected EOF", ErrorSource::Client);
        }
    }
    return {};
}

}  // namespace plimsoll::proxy
