#!/bin/sh
# Follows a topic: one line for each event, from where the last run ended. Needs nats and jq.
set -u
file=${CURSOR_FILE:-cursor}

# Your work: an event, or a resync: events may be missing, take the list (read.v1.list) instead of what you have.
# What was interrupted comes once more: the same event has the same id.
work() { printf '%s\n' "$1"; }

while :; do
  cursor=$(cat "$file" 2>/dev/null)
  request=$(jq -nc --arg topic "$TOPIC" --arg cursor "$cursor" \
    '{topics: [$topic], max: 100} + if $cursor == "" then {} else {cursor: $cursor} end')
  # The answer comes at once, with what there is: ask again when it was empty, a second later.
  answer=$(nats --server "$NATS_URL" --user "$TOKEN" --inbox-prefix "_INBOX.$SUBSCRIBER" \
    request --raw "feed.v1.next.$SUBSCRIBER" "$request")
  next=$(printf '%s' "$answer" | jq -r '.lastEventId // empty')
  if [ -z "$next" ]; then
    printf '%s\n' "${answer:-nobody answers there}" >&2 # refused, or not there: try again
    sleep 1
    continue
  fi
  printf '%s' "$answer" | jq -c '(.resync // empty), .events[]' | while IFS= read -r item; do work "$item"; done
  printf '%s' "$next" >"$file.new" && mv "$file.new" "$file"
  [ "$(printf '%s' "$answer" | jq .more)" = true ] || sleep 1
done
