#!/usr/bin/env bash
# Refresh the mirror that a branch of this repository holds, and push it: one commit, whatever its
# age, so that the repository does not grow with each run.
#
# In the environment: MIRROR_BRANCH (default: mirror), FEEDMIRROR_STORE (a new folder; default:
# mirror), FEEDMIRROR_CONFIG, FEEDMIRROR_PUBLIC_URL. Exits as `feedmirror run` does, after the push:
# a feed that fails costs the others nothing.
set -euo pipefail

branch=${MIRROR_BRANCH:-mirror}
export FEEDMIRROR_STORE=${FEEDMIRROR_STORE:-mirror}

mkdir "$FEEDMIRROR_STORE"
# A tree and an index of its own beside those of the checkout.
GIT_DIR=$(git rev-parse --absolute-git-dir)
GIT_WORK_TREE=$(realpath "$FEEDMIRROR_STORE")
GIT_INDEX_FILE=$(mktemp --dry-run)
trap 'rm -f "$GIT_INDEX_FILE"' EXIT
in_mirror() {
    GIT_DIR=$GIT_DIR GIT_WORK_TREE=$GIT_WORK_TREE GIT_INDEX_FILE=$GIT_INDEX_FILE git "$@"
}

before=$(git ls-remote --heads origin "refs/heads/$branch" | cut -f 1)
if [ -n "$before" ]; then
    git fetch --quiet --depth 1 origin "$before"
    in_mirror read-tree "$before"
    (cd "$GIT_WORK_TREE" && in_mirror checkout-index --all)
fi

code=0
feedmirror run --log-format text || code=$?
[ "$code" -le 1 ] || exit "$code" # wrong usage or configuration, or interrupted

cd "$GIT_WORK_TREE"
for folder in data public state; do
    [ ! -d "$folder" ] || in_mirror add --all "$folder"
done
tree=$(in_mirror write-tree)
if [ -n "$before" ] && [ "$tree" = "$(in_mirror rev-parse "$before^{tree}")" ]; then
    exit "$code"
fi
after=$(in_mirror -c user.name=feedmirror -c user.email=feedmirror@invalid \
    commit-tree "$tree" -m "Mirror of $(date --utc +%Y-%m-%dT%H:%MZ)")
# Another run that was faster keeps its mirror; the next one fetches what this one had.
in_mirror push --quiet --force-with-lease="refs/heads/$branch:$before" origin "$after:refs/heads/$branch"
exit "$code"
