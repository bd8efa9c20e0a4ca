#pragma once
// Names that clients may ask for as models although no upstream has them: saved chains. Declared
// here for the proxy, which finds such names in requests; loop thread only.

#include <plimsoll/http/route.hpp>
#include <plimsoll/net/server.hpp>

#include <boost/json/array.hpp>

#include <string>
#include <string_view>

namespace plimsoll::proxy {

class VirtualModels {
  public:
    virtual ~VirtualModels() = default;

    // Whether the name, as the client wrote it, is one of ours. Cheap: asked for every request that
    // names a model.
    [[nodiscard]] virtual bool has(std::string_view model) = 0;
    // The rows of GET /api/tags, or of GET /v1/models.
    virtual net::Task<boost::json::array> rows(http::Dialect dialect) = 0;
    // Answers a request about `model`, whatever it is: inference (preload and unload are answered
    // and do nothing), show, or a change of the stored models (refused with the way to do it).
    // `body` is whole and holds until the end.
    virtual net::Task<void> answer(
        net::Exchange& exchange,
        http::Route const& route,
        std::string_view model,
        std::string_view body
    ) = 0;
};

}  // namespace plimsoll::proxy
