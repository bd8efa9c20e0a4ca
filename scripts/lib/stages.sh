# Sourced by scripts/test: one function a stage. A stage counts into passed, failed, skipped and failures; it goes on
# after a failure, so that one run shows everything. Only a build that fails ends the run.

results="$root/build/results"

# record NAME COMMAND...: one check by exit status.
record() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        failures+=("$name")
    fi
}

# Adds the counts of a JUnit file. Words of the reader: "passed failed skipped", then one name a line.
count_junit() {
    local stage=$1 file=$2 report
    report=$(python3 "$root/scripts/lib/count_junit.py" "$file") || {
        failed=$((failed + 1))
        failures+=("$stage: no results in $file")
        return 0
    }
    local p f s name
    read -r p f s <<<"$(head -n 1 <<<"$report")"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    while read -r name; do
        [ -z "$name" ] || failures+=("$stage: $name")
    done < <(tail -n +2 <<<"$report")
}

# run_ctest PRESET [ctest arguments...]
run_ctest() {
    local preset=$1 file="$results/$1.xml"
    shift
    mkdir -p "$results"
    rm -f "$file"
    (cd "$root" && ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --output-junit "$file" "$@") || true
    count_junit "$preset" "$file"
}

our_sources() {
    (cd "$root" && find include src tests bench -name '*.[ch]pp' -not -path '*/golden/*' -print0)
}

check_format() {
    (cd "$root" && our_sources | xargs -0 clang-format-19 --dry-run -Werror --ferror-limit=5)
}

stage_lint() {
    record "lint: layers" python3 "$root/tools/check_layers.py"
    record "lint: lengths" python3 "$root/tools/check_lengths.py"
    record "lint: docs" python3 "$root/tools/check_docs.py"
    record "lint: format (clang-format-19 -i mends it)" check_format
}

stage_asan() {
    configure asan -DPLIMSOLL_TESTS=ON
    build asan
    prepare_clients
    prepare_schemathesis
    prepare_tool_servers
    prepare_browser
    # The long load test runs on the release build; the end-to-end tests mostly wait, so more of them run than there are
    # cores.
    PLIMSOLL_TEST_KILLS=10 run_ctest asan -LE 'bench|package' -E e2e_budget -j "$(($(nproc) + 1))"
}

stage_release() {
    configure release -DPLIMSOLL_TESTS=ON
    build release plimsoll bench_stream tests_property
    prepare_clients
    prepare_schemathesis
    prepare_tool_servers
    prepare_browser
    # The random worlds run at full length here; under sanitizers they ran a short version.
    run_ctest release -L 'property'
    PLIMSOLL_TEST_LOAD_SECONDS=${PLIMSOLL_TEST_LOAD_SECONDS:-$load_seconds} PLIMSOLL_TEST_KILLS=${PLIMSOLL_TEST_KILLS:-$kills} \
        run_ctest release -L 'e2e' -j "$(($(nproc) + 1))"
}

stage_tsan() {
    configure tsan -DPLIMSOLL_TESTS=ON
    # What crosses threads: the worker hand-over of net, the store, the log.
    build tsan unit_net unit_store unit_log
    run_ctest tsan -R '^unit_(net|store|log)$' -j "$(nproc)"
}

# Address and undefined come with the preset. As many targets at a time as there are cores; each stops by itself.
stage_fuzz() {
    configure fuzz -DPLIMSOLL_TESTS=ON "-DPLIMSOLL_FUZZ_SECONDS=$fuzz_seconds"
    local names=() file
    for file in "$root"/tests/fuzz/*_fuzz.cpp; do
        [ ! -e "$file" ] || names+=("fuzz_$(basename "$file" _fuzz.cpp)")
    done
    [ ${#names[@]} -gt 0 ] || die "no fuzz targets in tests/fuzz"
    build fuzz "${names[@]}"
    rm -f "$root"/build/fuzz/tests/fuzz/found/*-{crash,timeout,oom,leak}-*
    run_ctest fuzz -L fuzz -j "$(nproc)"
    # The input in a form that survives a log: base64 -d, into tests/corpus.
    for file in "$root"/build/fuzz/tests/fuzz/found/*-{crash,timeout,oom,leak}-*; do
        [ ! -e "$file" ] || failures+=("fuzz input $(basename "$file"): $(base64 -w 0 "$file" | head -c 20000)")
    done
}

# The real clients of the end-to-end suite, and a terminal that can be read (pyte), in build/clients: nothing of them is
# installed system-wide. What was installed is in the .done files, so that a list that grows is installed again.
prepare_clients() {
    install_node
    local clients="$root/build/clients" python=(ollama openai anthropic pyte) node=(ollama openai @anthropic-ai/sdk)
    export PLIMSOLL_TEST_CLIENTS="$clients"
    mkdir -p "$clients/node"
    if [ "$(cat "$clients/python.done" 2>/dev/null)" != "${python[*]}" ]; then
        say "Installing the Python clients ${python[*]} into build/clients"
        python3 -m venv "$clients/venv"
        "$clients/venv/bin/pip" install -q --disable-pip-version-check --retries 5 --target "$clients/python" --upgrade \
            "${python[@]}"
        echo "${python[*]}" >"$clients/python.done"
    fi
    if [ "$(cat "$clients/node.done" 2>/dev/null)" != "${node[*]}" ]; then
        say "Installing the JavaScript clients ${node[*]} into build/clients"
        npm install --silent --no-audit --no-fund --prefix "$clients/node" "${node[@]}"
        echo "${node[*]}" >"$clients/node.done"
    fi
}

# What holds the daemon to docs/openapi.yaml, in build/clients/schemathesis.
prepare_schemathesis() {
    local folder="$root/build/clients/schemathesis" python=(schemathesis==4.32.5)
    mkdir -p "$folder"
    if [ "$(cat "$folder/python.done" 2>/dev/null)" != "${python[*]}" ]; then
        say "Installing ${python[*]} into build/clients/schemathesis"
        python3 -m venv "$folder/venv"
        "$folder/venv/bin/pip" install -q --disable-pip-version-check --retries 5 "${python[@]}"
        echo "${python[*]}" >"$folder/python.done"
    fi
}

# Real MCP servers, in build/clients/tool_servers. Of these versions, so that a new one is not what a test fails of.
prepare_tool_servers() {
    install_node
    local servers="$root/build/clients/tool_servers" python=(mcp==2.3.0)
    local node=(@modelcontextprotocol/server-everything@2026.8.31 @modelcontextprotocol/server-filesystem@2026.8.31)
    export PLIMSOLL_TEST_TOOL_SERVERS="$servers"
    mkdir -p "$servers/node"
    if [ "$(cat "$servers/python.done" 2>/dev/null)" != "${python[*]}" ]; then
        say "Installing the Python tool servers ${python[*]} into build/clients/tool_servers"
        python3 -m venv "$servers/venv"
        "$servers/venv/bin/pip" install -q --disable-pip-version-check --retries 5 "${python[@]}"
        echo "${python[*]}" >"$servers/python.done"
    fi
    if [ "$(cat "$servers/node.done" 2>/dev/null)" != "${node[*]}" ]; then
        say "Installing the JavaScript tool servers ${node[*]} into build/clients/tool_servers"
        npm install --silent --no-audit --no-fund --prefix "$servers/node" "${node[@]}"
        echo "${node[*]}" >"$servers/node.done"
    fi
}

# What drives Debian's Chromium and judges a page's accessibility, in build/clients/browser.
prepare_browser() {
    install_node
    local browser="$root/build/clients/browser" python=(selenium==4.51.0) node=(axe-core@4.11.0)
    export PLIMSOLL_TEST_BROWSER="$browser"
    mkdir -p "$browser"
    if [ "$(cat "$browser/done" 2>/dev/null)" != "${python[*]} ${node[*]}" ]; then
        say "Installing ${python[*]} ${node[*]} into build/clients/browser"
        python3 -m venv "$browser/venv"
        "$browser/venv/bin/pip" install -q --disable-pip-version-check --retries 5 --target "$browser/python" --upgrade \
            "${python[@]}"
        npm install --silent --no-audit --no-fund --prefix "$browser" "${node[@]}"
        echo "${python[*]} ${node[*]}" >"$browser/done"
    fi
}

# The Debian package and the image's root, tried on a clean Debian; skipped with the reason where none can be made.
stage_package() {
    install_packages "${packages_package[@]}"
    configure release -DPLIMSOLL_TESTS=ON
    build release plimsoll package_texts
    rm -f "$root"/build/release/package/*.deb
    (cd "$root/build/release" && cpack -G DEB >"$root/build/cpack.log" 2>&1) || {
        tail -n 30 "$root/build/cpack.log" >&2
        die "cpack made no package; all of its words are in build/cpack.log"
    }
    run_ctest release -L package
}

stage_tidy() {
    install_packages clang-tidy-19
    say "clang-tidy (at $(elapsed))"
    configure debug -DPLIMSOLL_TESTS=OFF
    record "tidy" bash -c "cd '$root' && find src -name '*.cpp' -print0 | xargs -0 -n 4 -P $(job_count) clang-tidy-19 --quiet -p build/debug"
}
