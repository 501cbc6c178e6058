package call

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/smallnest/rpcx/client"
	"github.com/smallnest/rpcx/share"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

// xclient dials through rpcx's client for several servers, which alone sends deadlines.
func xclient(address, service string, d *dialect) (client.XClient, error) {
	discovery, err := client.NewPeer2PeerDiscovery("tcp@"+address, "")
	if err != nil {
		return nil, fmt.Errorf("interop: cannot discover %s: %w", address, err)
	}
	return client.NewXClient(service, client.Failfast, client.RandomSelect, discovery, options(d, false)), nil
}

// deadline: the handler sees what is left of the caller's time, or that there is no limit.
func deadlineCase(ctx context.Context, e *env, _ Command, r *report) {
	caller, err := xclient(e.addr, "Interop", e.dialect)
	if !r.succeeded("connect", err) {
		return
	}
	defer caller.Close()
	limited, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var seen message.DeadlineSeen
	if err := caller.Call(limited, "Deadline", &message.Nothing{}, &seen); r.succeeded("call with a deadline", err) {
		r.set("seen", seen)
		r.expect(seen.Present && seen.Millis > 1000 && seen.Millis <= 5000, "the handler saw %+v, expected up to 5000 ms", seen)
		raw, err := strconv.ParseInt(seen.Raw, 10, 64)
		r.expect(err == nil && raw > 1000 && raw <= 5000, "the handler saw metadata %q, expected up to 5000", seen.Raw)
	}
	withConnection(e, false, r, func(conn *connection) {
		for _, raw := range []string{"", "soon", "1.5"} {
			var metadata map[string]string
			if raw != "" {
				metadata = map[string]string{share.ServerTimeout: raw}
			}
			var seen message.DeadlineSeen
			if _, err := conn.call(ctx, "Interop", "Deadline", metadata, &message.Nothing{}, &seen); r.succeeded("call", err) {
				r.expect(!seen.Present, "with metadata %q the handler saw a deadline: %+v", raw, seen)
			}
		}
	})
}

// deadline_passed: the caller gives up in time, and the client serves the next call.
func deadlinePassed(ctx context.Context, e *env, _ Command, r *report) {
	caller, err := xclient(e.addr, "Interop", e.dialect)
	if !r.succeeded("connect", err) {
		return
	}
	defer caller.Close()
	limited, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	err = caller.Call(limited, "Sleep", &message.Sleep{ID: 1, Millis: 700}, &message.Slept{})
	took := time.Since(began)
	r.set("error", fmt.Sprint(err))
	// Either side's clock may be first: ours, or the server's with the same words.
	r.expect(errors.Is(err, context.DeadlineExceeded) || err != nil && err.Error() == context.DeadlineExceeded.Error(),
		"the call ended in %v, expected %v", err, context.DeadlineExceeded)
	r.expect(took < 600*time.Millisecond, "the call took %s, expected about 100ms", took)
	var slept message.Slept
	if err := caller.Call(ctx, "Sleep", &message.Sleep{ID: 2}, &slept); r.succeeded("the call after it", err) {
		equal(r, "reply of the call after it", slept.ID, 2)
	}
}

// deadline_enforced: a handler that heeds its deadline ends by it, and the caller is told.
func deadlineEnforced(ctx context.Context, e *env, _ Command, r *report) {
	withConnection(e, false, r, func(conn *connection) {
		counter := key("deadline")
		metadata := map[string]string{share.ServerTimeout: "100"}
		_, err := conn.call(ctx, "Interop", "Linger", metadata, &message.Linger{Key: counter, Millis: 1500}, &message.Nothing{})
		if r.expect(err != nil, "the call succeeded") {
			equal(r, "error", err.Error(), context.DeadlineExceeded.Error())
		}
		cancelled := until(ctx, time.Second, func() bool {
			n, err := counted(ctx, conn, counter+".cancelled")
			return err == nil && n == 1
		})
		r.expect(cancelled, "the handler was not cancelled")
	})
}
