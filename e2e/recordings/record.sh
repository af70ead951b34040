#!/bin/sh
# Makes home.jsonl.gz anew, as README.md says; takes about two minutes. Needs node, npm, mosquitto and mosquitto-clients.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
trap 'kill $broker $recorder 2>/dev/null || true; rm -rf "$work"' EXIT
recorder=
(cd "$work" && npm init -y >/dev/null && npm install --no-audit --no-fund --ignore-scripts zigbee2mqtt@2.14.1 >/dev/null)
mosquitto -p "$port" >/dev/null 2>&1 & broker=$!
sleep 1
node "$here/zigbee2mqtt.mjs" "$work" "$port" 30 >/dev/null
# A broker that has heard nothing yet.
kill $broker; wait $broker 2>/dev/null || true
mosquitto -p "$port" >/dev/null 2>&1 & broker=$!
sleep 1
mosquitto_sub -p "$port" -t '#' -t '$SYS/#' -T zigbee2mqtt/bridge/logging -F '%j' >"$work/home.jsonl" & recorder=$!
node "$here/zigbee2mqtt.mjs" "$work" "$port" 65 again >/dev/null & home=$!
sleep 60
# Before the home ends: its end would be in the recording.
kill $recorder; wait $recorder 2>/dev/null || true
wait $home
gzip -9n <"$work/home.jsonl" >"$here/home.jsonl.gz"
ls -l "$here/home.jsonl.gz"
