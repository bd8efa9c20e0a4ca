#pragma once
// The bar that gives Plimsoll its name: how deep the hull lies and with which cargo, and the mark
// that must not go under. Pure.

#include "app/top/frame.hpp"

#include <plimsoll/base/bytes.hpp>

#include <string>
#include <vector>

namespace plimsoll::app::top {

// A model's part of the bar, and the sign before its name in the table.
struct Cargo {
    Bytes charge;
    Colour colour = Colour::None;
    std::string glyph;
};

// As many as there are models, in their order. A model keeps its colour while others come and go,
// as far as there are colours; where there are none, neighbours differ by their glyph.
std::vector<Cargo> cargo_of(std::vector<ModelRow> const& models, Look const& look);

// `peak` zero: it is not told. `cargo` empty: the bar has one colour.
Line water_line(
    std::string const& name,
    Bytes charged,
    Bytes budget,
    Bytes peak,
    std::vector<Cargo> const& cargo,
    Look const& look
);

}  // namespace plimsoll::app::top
