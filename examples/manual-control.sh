#!/bin/sh
# Load, look, pin and unload by hand. PLIMSOLL_URL says where Plimsoll listens.
set -eu
url="${PLIMSOLL_URL:-http://127.0.0.1:11435}/plimsoll/v1"
model="${1:-mistral-small:22b}"

echo "== what it would take"
curl -sS "$url/estimate" -d "{\"model\": \"$model\"}"
echo; echo "== load it, and wait until it is there"
curl -sS "$url/models/load" -d "{\"model\": \"$model\"}"
echo; echo "== what is in memory"
curl -sS "$url/models"
echo; echo "== keep it for an hour, whatever else is asked for"
curl -sS "$url/models/pin" -d "{\"model\": \"$model\", \"for\": \"1h\"}"
echo; echo "== let go and unload"
curl -sS "$url/models/unpin" -d "{\"model\": \"$model\"}"
curl -sS "$url/models/unload" -d "{\"model\": \"$model\"}"
echo; echo "== everything that is idle"
curl -sS -X POST "$url/cleanup"
echo
