# What Debian 12 ships. scripts/lib/packages.sh names the packages.
find_package(Boost 1.81 REQUIRED COMPONENTS headers json url filesystem)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
# Its definitions of feature macros are not taken over: _GNU_SOURCE, which the compiler sets, has them all.
pkg_check_modules(ncursesw REQUIRED ncursesw)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)

add_library(plimsoll_asio INTERFACE)
target_link_libraries(plimsoll_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(plimsoll_asio INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_NO_TS_EXECUTORS)
