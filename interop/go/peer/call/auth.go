package call

import (
	"context"
	"time"

	"github.com/smallnest/rpcx/share"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
	"github.com/trunkline-rpc/trunkline/interop/go/peer/serve"
)

// auth: a wrong token is answered, then the connection closes; heartbeats need none.
func authCase(ctx context.Context, e *env, _ Command, r *report) {
	if !r.expect(e.authAddr != "", "no address that asks for a token was given") {
		return
	}
	for what, metadata := range map[string]map[string]string{
		"no token":      nil,
		"a wrong token": {share.AuthKey: "Bearer wrong"},
	} {
		conn, err := dial(e.authAddr, options(e.dialect, false))
		if !r.succeeded("connect", err) {
			return
		}
		now, reply := time.Now().UnixNano(), int64(0)
		if _, err := conn.call(ctx, "", "", nil, &now, &reply); r.succeeded("heartbeat without a token", err) {
			equal(r, "echo of a heartbeat without a token", reply, now)
		}
		_, err = conn.call(ctx, "Interop", "Blob", metadata, &message.Blob{Text: "x"}, &message.Blob{})
		if r.expect(err != nil, "a call with %s succeeded", what) {
			equal(r, "error with "+what, err.Error(), serve.Refused)
			r.expect(fromServer(err), "the error is %T, expected a service error", err)
		}
		r.expect(until(ctx, 3*time.Second, conn.IsShutdown), "the connection stays open after %s", what)
		_ = conn.Close()
	}
	caller, err := xclient(e.authAddr, "Interop", e.dialect)
	if !r.succeeded("connect", err) {
		return
	}
	defer caller.Close()
	caller.Auth(serve.Token)
	for range 3 {
		var reply message.Blob
		if err := caller.Call(ctx, "Blob", &message.Blob{Text: "in"}, &reply); r.succeeded("call with the right token", err) {
			equal(r, "reply", reply.Text, "in")
		}
	}
}
