add_library(plimsoll_warnings INTERFACE)
target_compile_options(plimsoll_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
    -Woverloaded-virtual -Wimplicit-fallthrough -Wnull-dereference -Wformat=2
    $<$<BOOL:${PLIMSOLL_WERROR}>:-Werror>)
