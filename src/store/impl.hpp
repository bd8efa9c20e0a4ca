#pragma once
// The open file and the statements that are used all the time.

#include "store/database.hpp"

#include <plimsoll/store/store.hpp>

namespace plimsoll::store {

struct Store::Impl {
    Database database;
    Statement save_measurement, prune_measurements, all_measurements;
    Statement save_calibration, all_calibrations;
    Statement save_row, all_rows, forget_row;

    static Result<std::unique_ptr<Impl>> open(std::string const& file);
    Result<void> prepare();
};

}  // namespace plimsoll::store
