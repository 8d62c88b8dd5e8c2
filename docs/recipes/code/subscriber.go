// Follows a topic: one line for each event, from where the last run ended.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
)

var me, topic, file = os.Getenv("SUBSCRIBER"), os.Getenv("TOPIC"), os.Getenv("CURSOR_FILE")
var heartbeat, _ = time.ParseDuration(os.Getenv("HEARTBEAT_MS") + "ms")

// Your work: an event, or a resync: events may be missing, take the list (read.v1.list) instead of what you have.
// What was interrupted comes once more: the same event has the same id.
func work(item []byte) { fmt.Println(string(item)) }

func follow() error {
	nc, err := nats.Connect(os.Getenv("NATS_URL"), nats.Token(os.Getenv("TOKEN")),
		nats.CustomInboxPrefix("_INBOX."+me), nats.NoReconnect())
	if err != nil {
		return err
	}
	defer nc.Close()
	messages, _ := nc.SubscribeSync(nc.NewRespInbox())
	request := map[string]any{"topics": []string{topic}, "heartbeat": heartbeat.Milliseconds(), "expires": 300_000}
	if cursor, err := os.ReadFile(file); err == nil {
		request["cursor"] = string(cursor)
	}
	text, _ := json.Marshal(request)
	nc.PublishRequest("feed.v1.next."+me, messages.Subject, text)
	for {
		var body struct{ ID, SpecVersion, Type, EventID, Current, Code string }
		message, err := messages.NextMsg(heartbeat * 5 / 2)
		if err != nil || json.Unmarshal(message.Data, &body) != nil || body.Code != "" || body.Type == "end" {
			return fmt.Errorf("over: %v %+v", err, body)
		}
		if body.SpecVersion != "" || body.Type == "resync" {
			work(message.Data)
		}
		done := body.ID + body.EventID + body.Current // of an event, a heartbeat, a resync: one of them
		if done != "" && (os.WriteFile(file+".new", []byte(done), 0o600) != nil || os.Rename(file+".new", file) != nil) {
			return errors.New("the cursor cannot be kept")
		}
		message.Respond(nil)
	}
}

// Whatever it was, a server away, a token that expired: connect again, and go on after the cursor.
func main() {
	for ; ; time.Sleep(time.Second) {
		fmt.Fprintln(os.Stderr, follow())
	}
}
