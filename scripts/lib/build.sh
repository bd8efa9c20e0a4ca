# Sourced: configure and build a preset.

# Fresh clones in other folders find the same compilations again.
export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE="${CCACHE_MAXSIZE:-5G}"
if [ -z "${CCACHE_DIR:-}" ] && [ ! -w "${HOME:-/nonexistent}" ]; then
    export CCACHE_DIR="$root/build/ccache"
fi

# configure PRESET [cmake arguments...]
configure() {
    local preset=$1 log="$root/build/configure-$1.log"
    shift
    mkdir -p "$root/build"
    (cd "$root" && cmake --preset "$preset" "$@") >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        die "cmake could not configure the preset $preset; all of it is in $log"
    }
}

# build PRESET [targets...]
build() {
    local preset=$1
    shift
    # -k: name all broken files of a run, not only the first.
    (cd "$root" && nice -n 5 ninja -C "build/$preset" -j "$(job_count)" -k 20 "$@") ||
        die "the build of the preset $preset failed; the compiler's words are above"
}
