#pragma once
// How the native API words an answer: NDJSON with the whole object repeated, durations in
// nanoseconds.

#include "sim/inference.hpp"

#include <boost/json/object.hpp>

namespace plimsoll::sim {

class NativeDialect : public Dialect {
  public:
    NativeDialect(World const& world, Asked asked) : world_(&world), asked_(std::move(asked)) {}

    [[nodiscard]] std::string_view stream_type() const override { return "application/x-ndjson"; }

    [[nodiscard]] std::string_view whole_type() const override {
        return "application/json; charset=utf-8";
    }

    std::string begin(Stats const&) override { return {}; }

    std::string piece(Piece const& piece, std::size_t index) override;
    std::string end(Stats const& stats) override;
    std::string whole(Answer const& answer, Stats const& stats) override;
    std::string preloaded(Stats const& stats, std::string_view reason) override;
    std::string error(unsigned status, std::string_view text) override;
    std::string broken(std::string_view text) override;

  protected:
    // Puts a piece, or all of an answer, where this route has it.
    virtual void put_piece(boost::json::object& out, Piece const* piece) = 0;
    virtual void put_answer(boost::json::object& out, Answer const& answer) = 0;
    // What only the last object has, before the durations.
    virtual void put_last(boost::json::object& out, Stats const& stats) = 0;

  private:
    [[nodiscard]] boost::json::object head() const;
    void put_stats(boost::json::object& out, Stats const& stats);

    World const* world_;
    Asked asked_;
};

class GenerateDialect final : public NativeDialect {
  public:
    GenerateDialect(World const& world, Asked asked, bool raw)
        : NativeDialect(world, std::move(asked)), raw_(raw) {}

  private:
    void put_piece(boost::json::object& out, Piece const* piece) override;
    void put_answer(boost::json::object& out, Answer const& answer) override;
    void put_last(boost::json::object& out, Stats const& stats) override;
    bool raw_;
};

class ChatDialect final : public NativeDialect {
  public:
    using NativeDialect::NativeDialect;

  private:
    void put_piece(boost::json::object& out, Piece const* piece) override;
    void put_answer(boost::json::object& out, Answer const& answer) override;
    void put_last(boost::json::object& out, Stats const& stats) override;
};

}  // namespace plimsoll::sim
