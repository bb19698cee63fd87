#!/bin/bash
# browser.sh - the packages of tests/browser, in build/browser; does nothing when they are there
#
# The browser itself is Debian's chromium (tools/dev/deps.sh test): none is fetched here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p build/browser
if cmp -s tests/browser/package.json build/browser/package.json; then exit 0; fi
cp tests/browser/package.json build/browser/package.json.new
mv build/browser/package.json.new build/browser/package.json
npm install --prefix build/browser --no-package-lock --no-audit --no-fund --ignore-scripts --silent ||
  { rm -f build/browser/package.json; echo "browser.sh: npm could not install the packages" >&2; exit 1; }
