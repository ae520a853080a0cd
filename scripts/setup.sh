# SPDX-License-Identifier: Apache-2.0
# Sourced by ./demo and ./check: brings a bare Debian 12 to where Leat builds, and builds.
# A second run finds everything in place, installs nothing and needs no network.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${LEAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leat}

# One per line: a Debian package, or command:package where any source of the command will do.
build_packages="gcc:gcc libc6-dev cmake:cmake ninja:ninja-build pkg-config:pkg-config
librdkafka-dev libcurl4-openssl-dev libmicrohttpd-dev libgnutls28-dev liblmdb-dev zlib1g-dev
libopenblas-dev libssl-dev libjpeg62-turbo-dev libpng-dev"
onnxruntime_packages="python3:python3 pip3:python3-pip" # to fetch it
kafka_packages="java:openjdk-17-jre-headless mvn:maven"
check_packages="libcriterion-dev libavro-dev libjansson-dev clang:clang clang-format:clang-format clang-tidy:clang-tidy
libclang-rt-14-dev g++:g++ cppcheck:cppcheck pmccabe:pmccabe openssl:openssl kcat:kcat git:git python3:python3
python3-numpy python3-sklearn libatomic1 pip3:python3-pip"

if [ -t 1 ]; then
    say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
else
    say() { printf '==> %s\n' "$*"; }
fi
die() { printf '%s: %s\n' "${0##*/}" "$2" >&2; exit "$1"; }

is_debian_12() {
    [ -r /etc/os-release ] && (. /etc/os-release && [ "$ID" = debian ] && [ "$VERSION_ID" = 12 ])
}

# Prints the packages of the arguments that are not here yet.
missing_packages() {
    local entry command package
    for entry in "$@"; do
        command=${entry%%:*} package=${entry##*:}
        if [ "$command" != "$package" ] || [ "${entry#*:}" != "$entry" ]; then
            command -v "$command" >/dev/null 2>&1 && continue
        elif command -v dpkg-query >/dev/null 2>&1 &&
            dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
            continue
        fi
        printf '%s\n' "$package"
    done
}

# ensure_packages ENTRY...: names what is missing and installs it, or says what to install.
ensure_packages() {
    local missing sudo=""
    missing=$(missing_packages "$@")
    [ -z "$missing" ] && return
    if ! is_debian_12; then
        [ "${LEAT_SKIP_SETUP:-}" = 1 ] && return
        printf '%s: this is not Debian 12, so nothing is installed. Missing (Debian names):\n' \
            "${0##*/}" >&2
        printf '  %s\n' $missing >&2
        die 69 "install their equivalents, then run again with LEAT_SKIP_SETUP=1"
    fi
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die 69 "not root and no sudo; as root: apt-get install $(echo $missing)"
        sudo=sudo
    fi
    say "installing: $(echo $missing)"
    $sudo apt-get update -qq || die 69 "apt-get update failed"
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        -qq -o Dpkg::Use-Pty=0 $missing >"$cache/apt.log" 2>&1 || {
        tail -20 "$cache/apt.log" >&2
        die 69 "apt-get install failed; the whole log is $cache/apt.log"
    }
}

# Passes on how far ninja is, on a terminal in place.
show_progress() {
    local line step=""
    while IFS= read -r line; do
        [[ $line =~ ^\[([0-9]+/[0-9]+)\] ]] || continue
        step=${BASH_REMATCH[1]}
        [ ! -t 1 ] || printf '\r    %s' "$step"
    done
    [ ! -t 1 ] || [ -z "$step" ] || printf '\r%*s\r' 20 ''
}

# build PRESET [TARGET...]: configures once and builds, with the compiler's words on failure.
build() {
    local preset=$1 dir=$root/build log
    shift
    case $preset in asan | tsan | fuzz) dir=$root/build-$preset ;; esac
    log=$cache/$preset.log
    say "building ($preset)"
    (cd "$root" && cmake --preset "$preset" && cmake --build "$dir" -- "$@") 2>&1 |
        tee "$log" | show_progress
    [ "${PIPESTATUS[0]}" = 0 ] || {
        grep -E -A5 'error|Error|FAILED' "$log" | head -60 >&2
        die 1 "the build failed; the whole log is $log"
    }
}

mkdir -p "$cache"
