# Follows a topic: one line for each event, from where the last run ended.
import asyncio, json, os, pathlib, sys
import nats

URL, TOKEN, SUBSCRIBER, TOPIC = (os.environ[name] for name in ("NATS_URL", "TOKEN", "SUBSCRIBER", "TOPIC"))
CURSOR = pathlib.Path(os.environ.get("CURSOR_FILE", "cursor"))
HEARTBEAT = int(os.environ.get("HEARTBEAT_MS", "5000"))

# Your work: an event, or a resync: events may be missing, take the list (read.v1.list) instead of what you have.
# What was interrupted comes once more: the same event has the same id.
def work(item):
    print(json.dumps(item), flush=True)

def keep(cursor):
    new = CURSOR.with_name(CURSOR.name + ".new")
    new.write_text(cursor)
    new.replace(CURSOR)

async def follow(nc):
    inbox = nc.new_inbox()
    messages = await nc.subscribe(inbox)
    cursor = {"cursor": CURSOR.read_text()} if CURSOR.exists() else {}
    request = {"topics": [TOPIC], "heartbeat": HEARTBEAT, "expires": 300_000, **cursor}
    await nc.publish(f"feed.v1.next.{SUBSCRIBER}", json.dumps(request).encode(), reply=inbox)
    body = {}
    while body.get("type") != "end":
        message = await messages.next_msg(timeout=HEARTBEAT * 2.5 / 1000)
        body = json.loads(message.data)
        if "code" in body:  # refused, or ended
            raise RuntimeError(f"{body['code']}: {body.get('detail') or body.get('reason')}")
        if "specversion" in body or body["type"] == "resync":
            work(body)
        if done := body.get("id") or body.get("eventId") or body.get("current"):  # of an event, a heartbeat, a resync
            keep(done)
        if message.reply:
            await message.respond(b"")
    await messages.unsubscribe()

# Whatever goes wrong, a server away, a token that expired: connect again, and go on after the cursor.
async def main():
    options = {"token": TOKEN, "inbox_prefix": f"_INBOX.{SUBSCRIBER}", "allow_reconnect": False}
    while True:
        try:
            async with await nats.connect(URL, **options) as nc:
                while True:
                    await follow(nc)
        except Exception as error:
            print(repr(error), file=sys.stderr)
        await asyncio.sleep(1)

asyncio.run(main())
