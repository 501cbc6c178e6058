package call

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
	"github.com/trunkline-rpc/trunkline/interop/go/trunklineerr"
)

// unknown_service: the fixed text, and the connection goes on.
func unknownService(ctx context.Context, e *env, _ Command, r *report) {
	unknown(ctx, e, r, "Nowhere", "Blob", "rpcx: can't find service Nowhere")
}

// unknown_method: likewise, for a service of methods and one of functions.
func unknownMethod(ctx context.Context, e *env, _ Command, r *report) {
	unknown(ctx, e, r, e.dialect.service, "Nothing", "rpcx: can't find method Nothing")
	unknown(ctx, e, r, "InteropFunc", "Nothing", "rpcx: can't find method Nothing")
}

func unknown(ctx context.Context, e *env, r *report, service, method, text string) {
	withConnection(e, false, r, func(conn *connection) {
		blob := e.dialect.blob("x", nil)
		_, err := conn.call(ctx, service, method, nil, blob, e.dialect.newBlob())
		if r.expect(err != nil, "%s.%s answered", service, method) {
			equal(r, "error", err.Error(), text)
			r.expect(fromServer(err), "the error is %T, expected a service error", err)
			_, response := conn.frames.last()
			equal(r, "length of the payload beside it", response.length, 0)
		}
		alive(ctx, conn, e, r)
	})
}

// panic: the call fails, the connection and the server go on.
func panicCase(ctx context.Context, e *env, _ Command, r *report) {
	withConnection(e, false, r, func(conn *connection) {
		_, err := conn.call(ctx, "Interop", "Panic", nil, &message.Nothing{}, &message.Nothing{})
		if r.expect(err != nil, "the call succeeded") {
			r.expect(fromServer(err), "the error is %T, expected a service error", err)
			text, _, _ := strings.Cut(err.Error(), ", stack: ")
			r.set("error", text)
		}
		alive(ctx, conn, e, r)
	})
}

// rich_error: everything that travels beside an error's text.
func richError(ctx context.Context, e *env, _ Command, r *report) {
	wait := func(d time.Duration) *time.Duration { return &d }
	expected := []trunklineerr.Error{
		{Kind: trunklineerr.Application, Text: "plain"},
		{Kind: trunklineerr.NotFound, Text: "no such user – né", Code: "user_missing", Details: json.RawMessage(`{"id":7,"name":"né"}`)},
		{Kind: trunklineerr.Overloaded, Text: "busy", NotStarted: true, RetryAfter: wait(1500 * time.Millisecond)},
		{Kind: trunklineerr.Application, Text: "once more", Code: "again", RetryAfter: wait(0)},
	}
	for _, kind := range []trunklineerr.Kind{trunklineerr.Invalid, trunklineerr.Unauthenticated, trunklineerr.Denied,
		trunklineerr.Unavailable, trunklineerr.Deadline, trunklineerr.Cancelled, trunklineerr.Internal} {
		expected = append(expected, trunklineerr.Error{Kind: kind, Text: "of kind " + string(kind)})
	}
	withConnection(e, false, r, func(conn *connection) {
		for _, x := range expected {
			args := message.Rich{
				Text: x.Text, Kind: string(x.Kind), Code: x.Code, Details: string(x.Details), NotStarted: x.NotStarted,
			}
			if x.RetryAfter != nil {
				args.HasRetryAfter, args.RetryAfterMillis = true, x.RetryAfter.Milliseconds()
			}
			response, err := conn.call(ctx, "Interop", "Rich", nil, &args, &message.Nothing{})
			if !r.expect(err != nil, "%s: the call succeeded", x.Text) {
				continue
			}
			equal(r, "error", err.Error(), x.Text)
			got, ok := trunklineerr.Read(response)
			if !r.expect(ok, "%s: the response metadata has no error: %v", x.Text, response) {
				continue
			}
			equal(r, x.Text+": kind", got.Kind, x.Kind)
			equal(r, x.Text+": code", got.Code, x.Code)
			r.expect(len(x.Details) == 0 && len(got.Details) == 0 || sameJSON(string(got.Details), string(x.Details)),
				"%s: details %s, expected %s", x.Text, got.Details, x.Details)
			equal(r, x.Text+": not started", got.NotStarted, x.NotStarted)
			equal(r, x.Text+": there is a time to wait", got.RetryAfter != nil, x.RetryAfter != nil)
			if got.RetryAfter != nil && x.RetryAfter != nil {
				equal(r, x.Text+": time to wait", *got.RetryAfter, *x.RetryAfter)
			}
		}
		alive(ctx, conn, e, r)
	})
}
