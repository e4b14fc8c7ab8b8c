#!/bin/sh
# Installs the contenders of `khoforge bench` that are packages of their own, into bench/node_modules.
# Their install scripts, which would fetch ready-made binaries, do not run: roaring is built from the sources in its
# package, with the headers of the Node that is installed.
set -eu
cd "$(dirname "$0")"

prefix=$(node -p 'path.dirname(path.dirname(process.execPath))')
if ! [ -e "$prefix/include/node/node_api.h" ]; then
  echo "bench/install: $prefix/include/node has no headers of Node: roaring cannot be built" >&2
  echo "bench/install: install those of this Node, e.g. with libnode-dev or Node's own package" >&2
  exit 3
fi
npm ci --ignore-scripts --omit=optional --omit=peer --no-audit --no-fund --silent

cd node_modules/roaring
module=$(node -p 'require("@mapbox/node-pre-gyp/lib/pre-binding").find(path.resolve("package.json"))')
npm_root=$(npm root --global)
node "$npm_root/npm/node_modules/node-gyp/bin/node-gyp.js" rebuild --loglevel=error --nodedir="$prefix" \
  --module_name=roaring --module_path="$(dirname "$module")" >build.log 2>&1 || {
  cat build.log >&2
  exit 1
}
node -e 'require(".")'
echo "bench/install: built $module"
