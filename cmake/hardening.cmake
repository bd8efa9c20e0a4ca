# The OpenSSF flags that clang 19 supports; only in the release preset, where sanitizers are off.
add_library(plimsoll_hardening INTERFACE)
option(PLIMSOLL_HARDEN "Compile with hardening flags" OFF)
if(PLIMSOLL_HARDEN)
    target_compile_options(plimsoll_hardening INTERFACE
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong -fstack-clash-protection
        -fcf-protection=full -fno-delete-null-pointer-checks -fno-strict-overflow -ftrivial-auto-var-init=zero)
    target_link_options(plimsoll_hardening INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed)
endif()
