package call

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/smallnest/rpcx/protocol"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

// oneway: nothing comes back, whatever happens; the server's counter shows what arrived.
func onewayCase(ctx context.Context, e *env, c Command, r *report) {
	withConnection(e, false, r, func(conn *connection) {
		counter := key("oneway")
		const hits = 10
		for range hits {
			_, err := conn.call(ctx, "Interop", "Hit", nil, &message.Hit{Key: counter, Add: 1}, nil)
			r.succeeded("oneway call", err)
		}
		_, err := conn.call(ctx, "Nowhere", "Nothing", nil, &message.Nothing{}, nil)
		r.succeeded("oneway call to nowhere", err)
		_, err = conn.call(ctx, "Interop", "Panic", nil, &message.Nothing{}, nil)
		r.succeeded("oneway call of a method that panics", err)
		var total int64
		until(ctx, 3*time.Second, func() bool {
			total, err = counted(ctx, conn, counter)
			return err != nil || total >= hits
		})
		r.succeeded("reading the counter", err)
		equal(r, "hits that the server counted", total, hits)
		requests, responses := conn.frames.all()
		equal(r, "responses", len(responses), len(requests)-hits-2)
		r.set("counted", total)
	})
}

func counted(ctx context.Context, conn *connection, counter string) (int64, error) {
	var reply message.Total
	_, err := conn.call(ctx, "Interop", "Hit", nil, &message.Hit{Key: counter}, &reply)
	return reply.Total, err
}

// heartbeat: the client's own every 50 ms, and one with metadata.
func heartbeatCase(ctx context.Context, e *env, _ Command, r *report) {
	option := options(e.dialect, false)
	option.Heartbeat, option.HeartbeatInterval, option.MaxWaitForHeartbeat = true, 50*time.Millisecond, time.Second
	conn, err := dial(e.addr, option)
	if !r.succeeded("connect", err) {
		return
	}
	defer conn.Close()
	beats := func() int {
		_, responses := conn.frames.all()
		n := 0
		for _, response := range responses {
			if response.heartbeat {
				n++
			}
		}
		return n
	}
	until(ctx, 3*time.Second, func() bool { return beats() >= 5 })
	r.expect(beats() >= 5, "got %d echoes of heartbeats, expected 5 or more", beats())
	r.set("beats", beats())
	r.expect(!conn.IsShutdown() && !conn.IsClosing(), "the client gave the connection up")

	metadata := map[string]string{"beat": "Grüße", "empty": ""}
	now, reply := time.Now().UnixNano(), int64(0)
	response, err := conn.call(ctx, "", "", metadata, &now, &reply)
	if r.succeeded("heartbeat with metadata", err) {
		equal(r, "payload of the echo", reply, now)
		for name, value := range metadata {
			got, found := response[name]
			r.expect(found && got == value, "metadata of the echo: %s is %q (there: %t), expected %q", name, got, found, value)
		}
	}
	alive(ctx, conn, e, r)
}

// push: frames that the server sends of its own, before and among answers.
func pushCase(ctx context.Context, e *env, c Command, r *report) {
	withConnection(e, false, r, func(conn *connection) {
		const times = 5
		received := make(chan *protocol.Message, 4*times)
		conn.RegisterServerMessageChan(received)
		text := "pushed – né \U0001f680"
		var reply message.Pushed
		if _, err := conn.call(ctx, "Interop", "Push", nil, &message.Push{Times: times, Text: text}, &reply); !r.succeeded("call", err) {
			return
		}
		equal(r, "frames that the server says it pushed", reply.Sent, int32(times))
		for i := range times {
			select {
			case m := <-received:
				equal(r, "path", m.ServicePath, "InteropPush")
				equal(r, "method", m.ServiceMethod, "Pushed")
				equal(r, "metadata index", m.Metadata["index"], strconv.Itoa(i))
				equal(r, "metadata text", m.Metadata["text"], text)
				equal(r, "payload", string(m.Payload), text)
				equal(r, "serialize type", m.SerializeType(), protocol.SerializeNone)
				r.expect(m.IsOneway() && m.MessageType() == protocol.Request && !m.IsHeartbeat(), "header %x is no push", m.Header[:])
			case <-time.After(3 * time.Second):
				r.problem("got %d pushed frames, expected %d", i, times)
				return
			}
		}
		r.set("received", times)
		conn.UnregisterServerMessageChan()
		alive(ctx, conn, e, r)
	})
}

// many: calls at once on one connection, answered in another order than they were sent.
func manyCase(ctx context.Context, e *env, c Command, r *report) {
	count := int64(c.Count)
	if count == 0 {
		count = 1000
	}
	withConnection(e, false, r, func(conn *connection) {
		var wait sync.WaitGroup
		var mu sync.Mutex
		wrong := make(map[string]int)
		for id := range count {
			wait.Add(1)
			go func() {
				defer wait.Done()
				var reply message.Slept
				_, err := conn.call(ctx, "Interop", "Sleep", nil, &message.Sleep{ID: id, Millis: (id * 7919) % 13}, &reply)
				problem := ""
				if err != nil {
					problem = err.Error()
				} else if reply.ID != id {
					problem = "a call got the reply of another"
				}
				if problem != "" {
					mu.Lock()
					defer mu.Unlock()
					wrong[problem]++
				}
			}()
		}
		wait.Wait()
		for problem, times := range wrong {
			r.problem("%d of %d calls: %s", times, count, problem)
		}
		_, responses := conn.frames.all()
		equal(r, "responses", len(responses), int(count))
		overtaken, highest := 0, uint64(0)
		for _, response := range responses {
			if response.seq < highest {
				overtaken++
			}
			highest = max(highest, response.seq)
		}
		r.set("overtaken", overtaken)
		r.expect(overtaken > 0 || count < 100, "every answer came in the order of its request")
	})
}

// caller_gone: the caller closes its connection while the handler runs.
func callerGone(ctx context.Context, e *env, c Command, r *report) {
	counter := key("gone")
	withConnection(e, false, r, func(watcher *connection) {
		gone, err := dial(e.addr, options(e.dialect, false))
		if !r.succeeded("connect", err) {
			return
		}
		total := func(suffix string) int64 {
			n, err := counted(ctx, watcher, counter+suffix)
			r.succeeded("reading the counter", err)
			return n
		}
		failed := make(chan error, 1)
		go func() {
			_, err := gone.call(ctx, "Interop", "Linger", nil, &message.Linger{Key: counter, Millis: 400}, &message.Nothing{})
			failed <- err
		}()
		started := until(ctx, 3*time.Second, func() bool { return total(".started") == 1 })
		r.expect(started, "the handler did not start")
		_ = gone.Close()
		r.expect(<-failed != nil, "the call succeeded on a closed connection")
		ended := until(ctx, 3*time.Second, func() bool { return total(".finished")+total(".cancelled") == 1 })
		r.expect(ended, "the handler neither finished nor was cancelled")
		r.set("finished", total(".finished"))
		r.set("cancelled", total(".cancelled"))
		alive(ctx, watcher, e, r)
	})
}

// key makes a counter's name that no other run has.
func key(prefix string) string {
	return fmt.Sprintf("%s-%d", prefix, time.Now().UnixNano())
}
