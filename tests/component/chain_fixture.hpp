#pragma once
// Chains over the whole front half, in front of an Ollama whose every answer the test decides.

#include "support/catch.hpp"

#include "proxy_fixture.hpp"
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace plimsoll::test {

// What came of one request to a model.
struct Said {
    unsigned status = 200;
    std::string content{};    // of a success
    std::string error{};      // of anything else
    Duration after{};         // how long it takes
    bool breaks_off = false;  // after the content, without its end
};

struct Question {
    std::string model, system, user;
    std::size_t nth = 0;  // of this model, from 1
    boost::json::object body;
    std::string bytes;  // of it: what is edited on its way stands in it twice, the last one counts
};

struct ChainFixture : ProxyFixture {
    explicit ChainFixture(engine::EngineConfig config = {}, chain::ChainsConfig chains_config = {});

    ~ChainFixture() { shut_down(); }

    // Runs it inline to its end and gives the final object. The document's members beside input.
    boost::json::object run(std::string const& document, std::string const& input = "in");
    // The same told as events, one after another.
    std::vector<boost::json::object> events(
        std::string const& document, std::string const& input = "in"
    );
    // "POST PATH" answered with JSON.
    boost::json::object post_json(
        std::string const& path, std::string const& body, std::string const& fields = {}
    );
    boost::json::object get_json(std::string const& path);
    [[nodiscard]] std::string request(
        std::string const& method, std::string const& path, std::string const& body = {}
    );

    // What the model says; default: "model(user)".
    std::function<Said(Question const&)> say;
    std::vector<Question> asked;

  private:
    net::Task<void> chat(net::Exchange& exchange);
};

// Of the objects of a stream, those of one kind.
std::vector<boost::json::object> of_kind(
    std::vector<boost::json::object> const& events, std::string_view kind
);
std::string text(boost::json::object const& object, std::string_view key);
boost::json::object parse_object(std::string const& json);

}  // namespace plimsoll::test
