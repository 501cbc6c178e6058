package call

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

// loop keeps calling from several goroutines until it is stopped or its connections end, and
// keeps account of what became of each call.
type loop struct {
	connections []*connection
	key         string
	stop        atomic.Bool
	running     sync.WaitGroup
	done        chan struct{} // closed when the last goroutine has ended

	mu       sync.Mutex
	sent     int            // calls begun
	answered int            // replies
	refused  map[string]int // errors that the server answered with, by text
	errors   map[string]int // calls without an answer, by text
}

// Bounds on what a command may ask for.
const (
	maxLoopCallers     = 256
	maxLoopConnections = 64
)

// loop_start: begins to call Interop.Linger in a closed loop and answers at once.
func loopStart(_ context.Context, e *env, c Command, r *report) {
	if !r.expect(e.session.loop == nil, "a loop is running already") {
		return
	}
	callers, connections := max(c.Callers, 1), max(c.Connections, 1)
	if !r.expect(callers <= maxLoopCallers && connections <= maxLoopConnections,
		"at most %d callers and %d connections", maxLoopCallers, maxLoopConnections) {
		return
	}
	l := &loop{key: c.Key, done: make(chan struct{}), refused: make(map[string]int), errors: make(map[string]int)}
	if l.key == "" {
		l.key = key("loop")
	}
	for range connections {
		conn, err := dial(e.addr, options(e.dialect, false))
		if !r.succeeded("connect", err) {
			return
		}
		l.connections = append(l.connections, conn)
	}
	for i := range callers {
		l.running.Add(1)
		go l.call(l.connections[i%connections], c.Millis)
	}
	go func() {
		l.running.Wait()
		close(l.done)
	}()
	e.session.loop = l
	r.set("key", l.key)
}

func (l *loop) call(conn *connection, millis int64) {
	defer l.running.Done()
	for !l.stop.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		_, err := conn.call(ctx, "Interop", "Linger", nil, &message.Linger{Key: l.key, Millis: millis}, &message.Nothing{})
		cancel()
		l.mu.Lock()
		l.sent++
		switch {
		case err == nil:
			l.answered++
		case fromServer(err):
			l.refused[err.Error()]++
		default:
			l.errors[withoutAddresses(err)]++
		}
		l.mu.Unlock()
		if err != nil && !fromServer(err) {
			return
		}
	}
}

// withoutAddresses gives the text that all versions of rpcx and all connections have in common.
func withoutAddresses(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err.Error()
	}
	return strings.TrimPrefix(err.Error(), "net.OpError: ")
}

// loop_stop: lets the calls under way end, and reports.
func loopStop(ctx context.Context, e *env, _ Command, r *report) {
	if l := e.session.loop; r.expect(l != nil, "no loop is running") {
		l.stop.Store(true)
		l.finish(ctx, e, r)
	}
}

// loop_wait: waits until the connections have ended (a server that stops), and reports.
func loopWait(ctx context.Context, e *env, _ Command, r *report) {
	if l := e.session.loop; r.expect(l != nil, "no loop is running") {
		l.finish(ctx, e, r)
	}
}

// LoopEnded yields when the loop that was started calls no more: its connections have ended.
func (s *Session) LoopEnded() <-chan struct{} { return s.loop.done }

func (l *loop) finish(ctx context.Context, e *env, r *report) {
	select {
	case <-l.done:
	case <-ctx.Done():
		r.problem("the loop still runs: %v", ctx.Err())
		return
	}
	e.session.loop = nil
	ended := 0
	for _, conn := range l.connections {
		if conn.IsShutdown() {
			ended++
		}
		_ = conn.Close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r.set("key", l.key)
	r.set("sent", l.sent)
	r.set("answered", l.answered)
	r.set("refused", l.refused)
	r.set("errors", l.errors)
	r.set("connections", len(l.connections))
	r.set("ended_by_server", ended)
}

// loop: start, run for a while, stop; every call is answered and the server counted as many.
func loopCase(ctx context.Context, e *env, c Command, r *report) {
	c.Callers, c.Connections = max(c.Callers, 8), max(c.Connections, 2)
	begin := newReport()
	loopStart(ctx, e, c, begin)
	if len(begin.problems) > 0 {
		r.problems = begin.problems
		return
	}
	counter := fmt.Sprint(begin.values["key"])
	time.Sleep(300 * time.Millisecond)
	loopStop(ctx, e, c, r)
	sent, answered := r.values["sent"], r.values["answered"]
	r.expect(sent == answered && sent != 0, "%v calls, %v replies", sent, answered)
	withConnection(e, false, r, func(conn *connection) {
		finished, err := counted(ctx, conn, counter+".finished")
		if r.succeeded("reading the counter", err) {
			equal(r, "calls that the server finished", any(int(finished)), answered)
		}
	})
}
