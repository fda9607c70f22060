#!/bin/sh
# The Node.js of the dev dependencies needs libatomic, which a minimal Debian lacks. Run before anything that needs that Node.js.
set -u
node --version >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends libatomic1 >/dev/null
fi
node --version >/dev/null 2>&1 && exit 0
echo "The Node.js in node_modules does not start: $(node --version 2>&1 | head -n 1). On Debian, install libatomic1." >&2
exit 1
