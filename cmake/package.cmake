# What is installed, and the Debian package: cmake --build build/release --target plimsoll package_texts, then
# `cpack -G DEB` in the build folder. docs/service.md describes the package, scripts/test-package tries it.
set(PLIMSOLL_MAINTAINER "Plimsoll maintainers <maintainers@plimsoll.invalid>" CACHE STRING
    "Who answers for the package: Name <address>")

set(texts ${CMAKE_BINARY_DIR}/package)
file(MAKE_DIRECTORY ${texts})
configure_file(packaging/debian/changelog.in ${texts}/changelog.Debian @ONLY)

# They are the program's own words, so that they say what it does.
set(printed)
function(plimsoll_printed file)
    list(JOIN ARGN " " words)
    add_custom_command(OUTPUT ${texts}/${file}
        COMMAND sh -c "\"$1\" $2 > \"$3\"" - $<TARGET_FILE:plimsoll> "${words}" ${texts}/${file}
        DEPENDS plimsoll VERBATIM)
    set(printed ${printed} ${texts}/${file} PARENT_SCOPE)
endfunction()
function(plimsoll_compressed file from)
    add_custom_command(OUTPUT ${texts}/${file}
        COMMAND sh -c "gzip -9n < \"$1\" > \"$2\"" - ${from} ${texts}/${file}
        DEPENDS ${from} VERBATIM)
    set(printed ${printed} ${texts}/${file} PARENT_SCOPE)
endfunction()
plimsoll_printed(plimsoll.1 man)
plimsoll_printed(plimsoll.bash completion bash)
plimsoll_printed(_plimsoll completion zsh)
plimsoll_printed(plimsoll.fish completion fish)
plimsoll_compressed(plimsoll.1.gz ${texts}/plimsoll.1)
plimsoll_compressed(changelog.Debian.gz ${texts}/changelog.Debian)
plimsoll_compressed(changelog.gz ${PROJECT_SOURCE_DIR}/CHANGELOG.md)
add_custom_target(package_texts DEPENDS ${printed})

set(doc /usr/share/doc/plimsoll)
file(GLOB guides CONFIGURE_DEPENDS docs/*.md)
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
# Absolute, since /etc and /lib do not lie below the prefix; DESTDIR still moves them.
install(TARGETS plimsoll RUNTIME DESTINATION /usr/bin)
install(FILES config/plimsoll.toml DESTINATION /etc/plimsoll)
install(FILES systemd/plimsoll.service systemd/plimsoll.socket DESTINATION /lib/systemd/system)
install(DIRECTORY systemd/plimsoll.service.d examples/ config/grafana config/prometheus DESTINATION ${doc}/examples)
install(FILES ${guides} docs/openapi.yaml README.md config/plimsoll.schema.json DESTINATION ${doc})
install(DIRECTORY docs/pictures DESTINATION ${doc})
install(FILES packaging/debian/copyright ${texts}/changelog.Debian.gz ${texts}/changelog.gz DESTINATION ${doc})
install(FILES packaging/debian/lintian-overrides DESTINATION /usr/share/lintian/overrides RENAME plimsoll)
install(FILES ${texts}/plimsoll.1.gz DESTINATION /usr/share/man/man1)
install(FILES ${texts}/plimsoll.bash DESTINATION /usr/share/bash-completion/completions RENAME plimsoll)
install(FILES ${texts}/_plimsoll DESTINATION /usr/share/zsh/vendor-completions)
install(FILES ${texts}/plimsoll.fish DESTINATION /usr/share/fish/vendor_completions.d)

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_NAME plimsoll)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "${PLIMSOLL_MAINTAINER}")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "VRAM-aware scheduler in front of Ollama")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Plimsoll is a reverse proxy that any client of Ollama can use without change.
It decides which models are in the memory of the graphics cards, so that a
configured budget is never exceeded: models are loaded and unloaded in an
order that keeps waits short, requests wait in a fair queue, and each decision
is told with its reason.

It runs as a locked-down systemd service on 127.0.0.1:11435, in front of an
Ollama at 127.0.0.1:11434.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, systemd")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/packaging/debian/postinst
    ${PROJECT_SOURCE_DIR}/packaging/debian/prerm
    ${PROJECT_SOURCE_DIR}/packaging/debian/postrm
    ${PROJECT_SOURCE_DIR}/packaging/debian/conffiles)
include(CPack)
