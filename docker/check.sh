#!/usr/bin/env bash
# Builds the image and uses it as its own user: search, verify, SIGTERM in the middle of a training, and going on.
#
#   docker/check.sh                 with Docker
#   ENGINE=podman docker/check.sh   with an engine of the same command line
#   IN_IMAGE='COMMAND...' RUNS=FOLDER docker/check.sh
#       with an image that is built already; COMMAND runs its arguments in it, with FOLDER mounted at /srv/runs
set -euo pipefail
cd "$(dirname "$0")/.."
engine=${ENGINE:-docker}
tag=surrogate-nas:check
runs=${RUNS:-$(mktemp -d)}
chmod 777 "$runs"  # the user of the image writes here
cell='|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|'

if [ -z "${IN_IMAGE:-}" ]; then
  "$engine" build --file docker/cpu.Dockerfile --tag "$tag" .
  IN_IMAGE="$engine run --rm --interactive --init --read-only --tmpfs /tmp --env HOME=/tmp --volume $runs:/srv/runs --entrypoint= $tag"
fi
in_image() { $IN_IMAGE "$@"; }

echo "== who it runs as, what it may write, and that no compiler is there"
in_image sh -ec '
  test "$(id -u)" -ne 0
  test ! -w "$(python -c "import surrogate_nas; print(surrogate_nas.__path__[0])")"
  for compiler in cc gcc g++ c++ clang nvcc; do if command -v "$compiler"; then exit 1; fi; done'

echo "== a search of the embedded table, its winner trained again"
in_image surrogate-nas search budget=20 verification.top=1 verification.seeds=[1] folder=runs/search
test -s "$runs/search/report.html"

echo "== a verification, ended by SIGTERM in the middle"
verification=(surrogate-nas verify "architectures=['$cell']" 'seeds=[1,2]' recipe.epochs=20 data.train=400 data.views=1 workers=1 folder=runs/verify)
in_image sh -ec '
  "$@" & pid=$!
  until ls runs/verify/checkpoints/*.npz >/dev/null 2>&1; do kill -0 "$pid"; sleep 0.2; done
  kill -TERM "$pid"
  code=0; wait "$pid" || code=$?
  test "$code" -eq 130' sh "${verification[@]}"
ls "$runs"/verify/checkpoints/*.npz
test ! -e "$runs/verify/result.json"

echo "== the same command goes on"
in_image "${verification[@]}"
test -s "$runs/verify/result.json"
test "$(wc -l <"$runs/verify/verification.journal")" -eq 2
echo "everything passed; the results lie in $runs"
