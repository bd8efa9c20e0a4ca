#pragma once
// What a run told, for those who watch it and for the state file. Loop thread only.

#include <plimsoll/chain/run.hpp>
#include <plimsoll/store/store.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::chain {

class RunLog {
  public:
    explicit RunLog(net::Loop& loop) : loop_(loop) {}

    // Of a run that goes on: what was told before.
    void preload(std::vector<store::StoredEvent> const& past);
    void add(std::string_view kind, boost::json::object data);
    // Nothing is told any more.
    void close();

    net::Task<Result<std::shared_ptr<RunEvent const>>> next(
        std::uint64_t after_id, std::optional<TimePoint> until, net::Canceller* canceller
    );

    // What is to be written down: everything since the last call, but for tokens.
    std::vector<store::StoredEvent> take_unsaved();

    // While it lives nobody is told what was added after it was made. Not longer than the log.
    class Hold {
      public:
        explicit Hold(RunLog& log);
        ~Hold();
        Hold(Hold const&) = delete;
        Hold& operator=(Hold const&) = delete;

      private:
        RunLog& log_;
        std::multiset<std::uint64_t>::iterator place_;
    };

  private:
    void forget_old_tokens();
    void wake();

    net::Loop& loop_;
    std::deque<std::shared_ptr<RunEvent const>> events_;
    std::vector<std::shared_ptr<RunEvent const>> unsaved_;
    std::list<net::Flag*> watchers_;
    std::multiset<std::uint64_t> held_;  // for each hold the last id that is told all the same
    std::uint64_t last_id_ = 0;
    std::size_t token_bytes_ = 0;
    bool is_closed_ = false;
};

}  // namespace plimsoll::chain
