# plimsoll_embed(VARIABLE FUNCTION ns::name HEADER "module/header.hpp" FILES a.html b.css ...)
#
# Files become part of the program. VARIABLE gets the path of a source to be compiled with the module; it defines
# `std::span<EmbeddedFile const> ns::name()`, which HEADER declares (<plimsoll/base/embedded.hpp> has the type). Written
# anew when a file changes, by this very script in script mode.
if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(PLIMSOLL_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
    function(plimsoll_embed variable)
        cmake_parse_arguments(ARG "" "FUNCTION;HEADER" "FILES" ${ARGN})
        string(REGEX REPLACE ".*::" "" name ${ARG_FUNCTION})
        set(out ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
        set(files ${ARG_FILES})
        list(TRANSFORM files PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
        string(REPLACE ";" "|" joined "${files}")
        add_custom_command(OUTPUT ${out}
            COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DFUNCTION=${ARG_FUNCTION} -DHEADER=${ARG_HEADER} "-DFILES=${joined}"
                -P ${PLIMSOLL_EMBED_SCRIPT}
            DEPENDS ${files} ${PLIMSOLL_EMBED_SCRIPT}
            COMMENT "Embedding the files of ${ARG_FUNCTION}"
            VERBATIM)
        set(${variable} ${out} PARENT_SCOPE)
    endfunction()
    return()
endif()

string(REPLACE "|" ";" files "${FILES}")
set(table "")
foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME)
    file(READ ${file} bytes HEX)
    file(SHA256 ${file} hash)
    string(LENGTH "${bytes}" digits)
    math(EXPR size "${digits} / 2")
    # Any bytes whatever; a new line now and then, for who looks into the made file.
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" text "${bytes}")
    string(REGEX REPLACE "((\\\\x0a)+)" "\\1\"\n     \"" text "${text}")
    string(APPEND table "    {\"${name}\",\n     {\"${text}\", ${size}},\n     \"${hash}\"},\n")
endforeach()
file(WRITE ${OUT} "// Made by cmake/embed.cmake.
#include \"${HEADER}\"

#include <array>

// Compilers need not take more than 64 KiB; this one does.
#pragma clang diagnostic ignored \"-Woverlength-strings\"

namespace {

constexpr auto kFiles = std::to_array<plimsoll::EmbeddedFile>({
${table}});

}  // namespace

std::span<plimsoll::EmbeddedFile const> ${FUNCTION}() {
    return kFiles;
}
")
