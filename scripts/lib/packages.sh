# Sourced: what has to be installed, and how. cmake/dependencies.cmake names the same libraries.

packages_build=(
    clang-19 lld-19 cmake ninja-build ccache pkg-config
    libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libboost-filesystem1.81-dev
    libspdlog-dev libtomlplusplus-dev libcli11-dev libssl-dev libsqlite3-dev
    prometheus-cpp-dev libre2-dev libzstd-dev libncurses-dev
)
packages_run=("${packages_build[@]}" curl)
packages_test=(
    "${packages_run[@]}"
    clang-format-19 libclang-rt-19-dev llvm-19 catch2 librapidcheck-dev
    python3 python3-venv ca-certificates git prometheus
    chromium chromium-driver
    systemd groff zsh fish
)
# For the stage `package`.
packages_package=(
    dpkg-dev lintian debootstrap systemd-container bubblewrap
)
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# The given packages that dpkg does not know as installed.
missing_packages() {
    local installed package
    # dpkg-query fails if it does not know one of them: that is an answer, no error.
    installed=$({ dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true; } | sed -n 's/^installed //p')
    for package in "$@"; do
        grep -qxF -- "$package" <<<"$installed" || echo "$package"
    done
}

install_packages() {
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
        die "this is no Debian: install what scripts/lib/packages.sh names by hand, then: cmake --preset release && cmake --build --preset release"
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        die "not root and no sudo; as root: apt-get install ${missing[*]}"
    local apt=(apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300) log
    log=$(mktemp)
    as_root "${apt[@]}" update >"$log" 2>&1 || {
        cat "$log" >&2
        die "apt-get update failed; see above"
    }
    as_root env DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends "${missing[@]}" \
        >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        die "apt-get install failed; the lines above are its last, all are in $log"
    }
    rm -f "$log"
}

# Node of any version that is already there will do; Debian's is installed only where there is none.
install_node() {
    command -v node >/dev/null && command -v npm >/dev/null && return 0
    install_packages nodejs npm
}
