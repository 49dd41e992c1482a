# What the steps share. A step ends with 0 (passed), 77 (skipped) or anything else (failed).
# In the file $CASES it may leave the counts of its test cases: PASSED FAILED SKIPPED.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=$PWD/artifacts/ci
shared=$PWD/../shared
mkdir -p "$out"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 ORT_DISABLE_TELEMETRY=1
# no build server stays behind
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false

started=()   # processes to end, and
tidy=()      # commands to run, when the step ends
at_exit() {
    local pid i
    for pid in "${started[@]}"; do stop "$pid"; done
    for ((i = ${#tidy[@]} - 1; i >= 0; i--)); do eval "${tidy[i]}" || true; done
}
trap at_exit EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "skipped: $*"; exit 77; }

# need PACKAGE...: installs what is missing of these Debian packages, without starting any daemon of theirs. 1 where that cannot be done.
need() {
    local missing=() package policy=/usr/sbin/policy-rc.d made='' result=0
    for package; do [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) = installed ]] || missing+=("$package"); done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    echo "installing ${missing[*]}"
    [[ $(id -u) = 0 ]] && command -v apt-get >/dev/null || { echo "apt-get as root is needed for that" >&2; return 1; }
    if [[ ! -e $policy ]]; then printf '#!/bin/sh\nexit 101\n' >$policy; chmod +x $policy; made=1; fi
    {
        apt-get update -qq || true   # an old list may still do
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" || result=1
    } </dev/null >"$out/apt.log" 2>&1
    [[ -z $made ]] || rm -f $policy
    [[ $result = 0 ]] || tail -n 3 "$out/apt.log" >&2
    return $result
}

# A port of this machine that is free now.
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)); do
        (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null || { echo $port; return; }
    done
}

# wait_for URL PID LOG: until URL answers 200, 60 s at most; fails when the process ends first.
wait_for() {
    local i
    for ((i = 0; i < 1200; i++)); do
        [[ $(curl -s -o /dev/null -w '%{http_code}' --max-time 2 "$1") != 200 ]] || return 0
        kill -0 "$2" 2>/dev/null || { tail -n 20 "$3" >&2; fail "the process ended before $1 answered"; }
        sleep 0.05
    done
    tail -n 20 "$3" >&2
    fail "$1 did not answer 200 within a minute"
}

# stop PID: asks it to end, and insists after 20 s.
stop() {
    local i
    kill "$1" 2>/dev/null || return 0
    for ((i = 0; i < 200; i++)); do kill -0 "$1" 2>/dev/null || return 0; sleep 0.1; done
    kill -KILL "$1" 2>/dev/null || true
}

# The published server, in $out/app; .ci/run has it built once.
publish() {
    [[ -z ${RUN:-} || ! -e $out/app/.run-$RUN ]] || return 0
    rm -rf "$out/app"
    dotnet publish src/RnnService.Api -c Release -o "$out/app" >"$out/publish.log" 2>&1 </dev/null ||
        { tail -n 20 "$out/publish.log" >&2; fail "dotnet publish"; }
    touch "$out/app/.run-${RUN:-}"
}

# serve [PORT]: starts the published server on loopback; sets port, and server to its pid.
serve() {
    port=${1:-$(free_port)}
    dotnet "$out/app/RnnService.Api.dll" --urls "http://127.0.0.1:$port" --Models:Root "$PWD/models" >"$out/server.log" 2>&1 </dev/null &
    server=$!
    started+=("$server")
    wait_for "http://127.0.0.1:$port/health/ready" "$server" "$out/server.log"
}

# A clone of the last commit, as a user gets it, in the new folder $1.
fresh_clone() { git clone -q --no-hardlinks . "$1"; }
