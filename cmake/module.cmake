# plimsoll_module(NAME SOURCES a.cpp ... [DEPS module ...] [PRIVATE_LIBS lib ...] [PUBLIC_LIBS lib ...])
#
# One static library per module. It links only its DEPS; tools/check_layers.py compares every #include with the
# table of modules, because all modules share include/.
function(plimsoll_module name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_LIBS;PUBLIC_LIBS" ${ARGN})
    set(target plimsoll_${name})
    add_library(${target} STATIC ${ARG_SOURCES})
    file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/plimsoll/${name}/*.hpp)
    if(headers)
        target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${headers})
        set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
    endif()
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/include PRIVATE ${PROJECT_SOURCE_DIR}/src)
    foreach(dep IN LISTS ARG_DEPS)
        target_link_libraries(${target} PUBLIC plimsoll_${dep})
    endforeach()
    target_link_libraries(${target}
        PUBLIC ${ARG_PUBLIC_LIBS} plimsoll_sanitize plimsoll_hardening
        PRIVATE ${ARG_PRIVATE_LIBS} plimsoll_warnings)
endfunction()
