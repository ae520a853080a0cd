#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Holds the rules between rooms: who may include whom, one home for each outside library,
# no vague file names, every header compiles alone, files within their length, pure
# modules without clock, log, thread or I/O.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0
complain() {
    echo "layers: $*"
    failed=1
}

# Room: rooms whose door headers it may include.
declare -A may=(
    [base]="base"
    [bus]="bus base"
    [schemas]="schemas bus base"
    [results]="results schemas bus base"
    [ingest]="ingest results schemas bus base"
    [runner]="runner base"
    [batcher]="batcher runner schemas bus base"
    [cli]="cli ingest results batcher schemas bus base"
)
# Doors narrower than the whole room.
declare -A doors=(
    [results]="results/results.h" [runner]="runner/protocol.h"
    [ingest]="ingest/ingest.h"
    [batcher]="batcher/batcher.h batcher/repository.h batcher/model_keys.h batcher/trial.h"
)
# Outside header: files that may include it.
declare -A homes=(
    ["curl/"]='^base/http_call' ["microhttpd.h"]='^base/http_server'
    ["gnutls/"]='^base/http_server'
    ["librdkafka/"]='^bus/' ["avro.h"]='^schemas/' ["avro/"]='^schemas/'
    ["jansson.h"]='^schemas/' ["lmdb.h"]='^results/' ["openssl/"]='^results/|^base/digest'
    ["cblas.h"]='^runner/' ["onnxruntime_c_api.h"]='^runner/(ort_|backend_onnxruntime)'
    ["jpeglib.h"]='^runner/image_jpeg' ["png.h"]='^runner/image_png'
    ["leat/"]='^runner/(backend_)?plugin' ["zlib.h"]='^schemas/avro_file'
    ["cuda"]='^runner/cuda/' ["cublas"]='^runner/cuda/'
)
pure="base/heap base/map base/datatype schemas/framing schemas/codec batcher/cost
batcher/cancel batcher/former batcher/former_batch batcher/former_fit batcher/former_list
batcher/former_store batcher/device batcher/output_check batcher/reply_time batcher/version_labels batcher/version_policy batcher/watermark
results/correlate results/batch_line schemas/ndjson schemas/avro_row bus/partition bus/lane
runner/ort_outcome runner/ort_signature runner/ort_texts
base/digest ingest/lockout ingest/share ingest/admission ingest/promise ingest/arrivals ingest/drain ingest/running_jobs"
files=$(git ls-files --cached --others --exclude-standard '*.c' '*.h' |
    grep -E '^(base|bus|schemas|results|ingest|runner|batcher|cli)/' | sort -u)

for file in $files; do
    [ -e "$file" ] || continue
    room=${file%%/*}
    while read -r header; do
        other=${header%%/*}
        case " ${may[$room]} " in
        *" $other "*) ;;
        *) complain "$file includes $header: $room may include only ${may[$room]}" ;;
        esac
        if [ "$other" != "$room" ] && [ -n "${doors[$other]:-}" ] &&
            [[ " ${doors[$other]} " != *" $header "* ]]; then
            complain "$file includes $header: the door of $other is ${doors[$other]}"
        fi
    done < <(sed -n 's/^#include "\(.*\)".*/\1/p' "$file")
    for library in "${!homes[@]}"; do
        if grep -q "^#include <$library" "$file" && ! [[ $file =~ ${homes[$library]} ]]; then
            complain "$file includes <$library...>: its home is ${homes[$library]}"
        fi
    done
    [[ $file =~ (^|/)(utils?|common|helpers?|misc|types)\.[ch]$ ]] &&
        complain "$file: named for nothing in particular"
    [ "$(wc -l <"$file")" -le 500 ] || complain "$file is over 500 lines"
    head -1 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
        complain "$file has no SPDX line"
done

# base/clock.h is allowed for its units; reading a clock is not.
for module in $pure; do
    [ -e "$module.h" ] || complain "$module is listed as pure, but there is no such module"
    for file in "$module.c" "$module.h"; do
        [ -e "$file" ] || continue
        impure=$(grep -n -E '#include ("base/(log|loop|queue)\.h"|<(stdio|pthread|unistd|time)\.h>)|clock_(mono|wall)' "$file")
        [ -z "$impure" ] || complain "$file is pure but: $impure"
    done
done

# Rooms are static libraries, of which the linker takes the first that has a name: a
# function of the same name in another room would be called in its stead. The runner is
# a program of its own.
twice=$(for file in $(echo "$files" | grep '\.c$' | grep -v -E '^runner/|/main\.c$'); do
    awk '/^[a-z_0-9]+\(/ && last !~ /static/ { sub(/\(.*/, ""); print } { last = $0 }' "$file"
done | sort | uniq -d)
[ -z "$twice" ] || complain "functions of two files with one name:" $twice

for standard in "c -std=c99" "c -std=c11" "c++ -std=c++11"; do
    ${CC:-cc} -x $standard -pedantic -Wall -Wextra -Werror -fsyntax-only include/leat/plugin.h ||
        complain "include/leat/plugin.h is no $standard"
done
# Headers of runner/cuda need those of CUDA, which scripts/get-cuda fetches.
cuda=${LEAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leat}/cuda/include
for header in $(echo "$files" | grep '\.h$'); do
    [[ $header == runner/cuda/* ]] && [ ! -d "$cuda" ] && continue
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -I. -Iinclude -isystem "$cuda" -fsyntax-only -x c "$header" ||
        complain "$header does not compile alone"
done
exit $failed
