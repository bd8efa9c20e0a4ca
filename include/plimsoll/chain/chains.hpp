#pragma once
// The chains of the daemon: those that are saved, and the runs. Loop thread only.

#include <plimsoll/chain/config.hpp>
#include <plimsoll/chain/run.hpp>
#include <plimsoll/chain/spec.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/http/trace_context.hpp>
#include <plimsoll/metrics/registry.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/server.hpp>
#include <plimsoll/proxy/virtual_models.hpp>
#include <plimsoll/store/store.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::chain {

// Where a text stopped being what it should be.
struct TextProblem {
    unsigned line = 0;  // from 1
    std::string message;
};

// What chains need of the rest of the daemon.
struct Surroundings {
    net::Loop& loop;
    std::vector<engine::Engine*> engines;
    store::Store& store;
    // Answers a request of ours as a client's (proxy::Proxy::handle_own).
    std::function<net::Task<void>(net::Exchange&, engine::Engine&)> ask;
    std::function<std::expected<boost::json::value, TextProblem>(std::string_view)> read_toml;
    // Where runs and calls of tools are counted; null: nowhere. It outlives the chains' tasks.
    metrics::Registry* metrics = nullptr;
};

// JSON text of a specification. Problems name the line of the text, or the place in the document.
std::expected<boost::json::value, std::vector<Problem>> parse_document(std::string_view json);
// All in one message: one line each, "POINTER: what".
std::string to_text(std::vector<Problem> const& problems);

struct RunRequest {
    boost::json::value document;  // of `spec`
    Spec spec;
    std::string chain;  // name of the saved one; empty: sent with the request
    std::string input;
    std::map<std::string, std::string> vars;
    std::string client;    // who asks, in the words of the queue
    std::string priority;  // value of the field Priority (RFC 9218); empty: see `is_async`
    // Nobody waits for it. Its steps then give way to those of other clients, unless the priority
    // says otherwise: they are in the low class.
    bool is_async = false;
    http::TraceContext trace{};  // of who asks; each step's request carries it
};

class Chains {
  public:
    Chains(Surroundings surroundings, ChainsConfig config);
    ~Chains();
    Chains(Chains const&) = delete;
    Chains& operator=(Chains const&) = delete;

    // Goes on with the runs that a stopped or killed daemon left.
    void start();
    // No new runs; those that are there stop where they are, to be resumed by the next start.
    void drain();
    // After drain(): waits until they have, and ends the tool servers.
    net::Task<void> stop();
    void reconfigure(ChainsConfig config);

    // Checks a document as far as it can be known here: its form, and that models' api_base and MCP
    // servers are configured.
    [[nodiscard]] std::expected<Spec, std::vector<Problem>> check(boost::json::value const& document
    ) const;

    struct Saved {
        std::string name;
        boost::json::value document;
        std::vector<Problem> problems;  // not empty: it cannot be run
    };

    // Saved chains, by name.
    net::Task<Result<std::vector<Saved>>> saved();
    net::Task<Result<Saved>> saved(std::string name);
    // Errors: BadRequest (a name that is none), Unsupported (no directory), Io.
    net::Task<Result<void>> save(std::string name, boost::json::value document);
    net::Task<Result<void>> remove(std::string name);

    // Errors: QueueFull, Draining. It goes on whether or not anybody holds it.
    Result<std::shared_ptr<Run>> run(RunRequest request);
    // One that is running; null: it is not.
    [[nodiscard]] std::shared_ptr<Run> find(std::string const& id) const;
    // The views of all, newest first, without their steps and outputs.
    net::Task<Result<boost::json::array>> runs(std::uint64_t most);
    // Of one that has ended, too. Error NotFound.
    net::Task<Result<boost::json::object>> view(std::string id);
    // Of one that has ended: what was told after `after_id`, tokens left out.
    net::Task<Result<std::vector<std::string>>> past_events(std::string id, std::uint64_t after_id);
    // Of one that failed or was cancelled: goes on at the first step that had not ended. Errors:
    // NotFound, Conflict (it succeeded, or is running), and those of run().
    net::Task<Result<std::shared_ptr<Run>>> resume(std::string id);

    // The MCP servers of the configuration: id, kind, state, tools as far as they are known.
    [[nodiscard]] boost::json::array mcp_servers() const;

    // Saved chains as models "chain/NAME".
    [[nodiscard]] proxy::VirtualModels& models();

    struct Impl;

  private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace plimsoll::chain
