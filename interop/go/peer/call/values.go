package call

import (
	"context"
	"maps"
	"math"
	"strings"

	"github.com/smallnest/rpcx/protocol"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
	"github.com/trunkline-rpc/trunkline/interop/go/peer/pb"
	"github.com/trunkline-rpc/trunkline/interop/go/peer/thriftmsg"
)

// everything_echo: this peer's value there and back.
func everythingEcho(ctx context.Context, e *env, c Command, r *report) {
	everything(ctx, e, c, r, func(conn *connection, value *message.Everything) {
		reply := e.dialect.newEverything()
		if _, err := conn.call(ctx, e.dialect.service, "Echo", nil, e.dialect.everything(value), reply); r.succeeded("call", err) {
			compared(r, "echo", message.Compare(e.dialect.everythingOf(reply), value, e.dialect.loose))
		}
	})
}

// everything_make: the server's value, and the server's account of its fields.
func everythingMake(ctx context.Context, e *env, c Command, r *report) {
	everything(ctx, e, c, r, func(conn *connection, value *message.Everything) {
		reply := e.dialect.newMade()
		if _, err := conn.call(ctx, e.dialect.service, "Make", nil, e.dialect.pick(c.Variant), reply); r.succeeded("call", err) {
			got, fields := e.dialect.madeOf(reply)
			compared(r, "value", message.Compare(got, value, e.dialect.loose))
			expected := message.Fields(value, e.dialect.loose)
			for name, text := range expected {
				r.expect(sameJSON(fields[name], text), "account of %s: got %s, expected %s", name, shorten(fields[name]), shorten(text))
			}
			equal(r, "number of fields in the account", len(fields), len(expected))
		}
	})
}

// everything_check: the server compares this peer's value with its own.
func everythingCheck(ctx context.Context, e *env, c Command, r *report) {
	everything(ctx, e, c, r, func(conn *connection, value *message.Everything) {
		reply := e.dialect.newChecked()
		if _, err := conn.call(ctx, e.dialect.service, "Check", nil, e.dialect.everything(value), reply); r.succeeded("call", err) {
			compared(r, "check", e.dialect.checkedOf(reply))
		}
		// A check that finds nothing proves something only if it can find something.
		wrong := *value
		wrong.Text += "!"
		wrong.Ints.I8++
		reply = e.dialect.newChecked()
		if _, err := conn.call(ctx, e.dialect.service, "Check", nil, e.dialect.everything(&wrong), reply); r.succeeded("call", err) {
			equal(r, "fields found to differ in a changed value", strings.Join(e.dialect.checkedOf(reply).Differ, ","), "Ints,Text")
		}
	})
}

func everything(_ context.Context, e *env, c Command, r *report, use func(*connection, *message.Everything)) {
	if !r.expect(e.dialect.everything != nil, "%s carries bytes only", c.Codec) {
		return
	}
	value, err := message.Make(c.Variant)
	if !r.succeeded("variant", err) {
		return
	}
	withConnection(e, c.Gzip, r, func(conn *connection) {
		use(conn, value)
		request, response := conn.frames.last()
		r.set("request_length", request.length)
		r.set("request_compress", request.compress)
		r.set("reply_length", response.length)
		r.set("reply_compress", response.compress)
	})
}

func compared(r *report, what string, checked message.Checked) {
	r.set("differ", checked.Differ)
	r.expect(len(checked.Differ) == 0, "%s differs in %s\n%s", what, strings.Join(checked.Differ, ", "), strings.Join(checked.Detail, "\n"))
}

// floats: NaN and the infinities.
func floatsCase(ctx context.Context, e *env, c Command, r *report) {
	if !r.expect(e.dialect.floats != nil, "%s carries bytes only", c.Codec) {
		return
	}
	value := message.Floats{
		F32: []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.Copysign(0, -1))},
		F64: []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1)},
	}
	withConnection(e, c.Gzip, r, func(conn *connection) {
		reply := e.dialect.newFloats()
		if _, err := conn.call(ctx, e.dialect.service, "Floats", nil, e.dialect.floats(value), reply); r.succeeded("call", err) {
			equal(r, "floats", canonicalText(e.dialect.floatsOf(reply)), canonicalText(value))
		}
	})
}

// functions: arguments and replies that are no structs; a failed function's reply stays away.
func functionsCase(ctx context.Context, e *env, c Command, r *report) {
	withConnection(e, c.Gzip, r, func(conn *connection) {
		const service = "InteropFunc"
		for _, n := range []int64{0, 1, -1, 127, -129, 1 << 31, 1<<53 + 1, math.MaxInt64} {
			var negative int64
			if _, err := conn.call(ctx, service, "Neg", nil, &n, &negative); r.succeeded("Neg", err) {
				equal(r, "Neg", negative, -n)
			}
		}
		for _, name := range []string{"", "world", "世界", message.Text(70_000)} {
			var greeting string
			if _, err := conn.call(ctx, service, "Greet", nil, &name, &greeting); r.succeeded("Greet", err) {
				equal(r, "Greet", greeting, "hello, "+name)
			}
		}
		for _, numbers := range [][]int64{nil, {}, {1, -2, 1 << 40}} {
			var sum, expected int64
			for _, n := range numbers {
				expected += n
			}
			if _, err := conn.call(ctx, service, "Sum", nil, &numbers, &sum); r.succeeded("Sum", err) {
				equal(r, "Sum", sum, expected)
			}
		}
		texts := map[string]string{"": "", "a": "x", "ü": "世界"}
		var lengths map[string]int
		if _, err := conn.call(ctx, service, "Lengths", nil, &texts, &lengths); r.succeeded("Lengths", err) {
			r.expect(maps.Equal(lengths, map[string]int{"": 0, "a": 1, "ü": 6}), "Lengths: got %v", lengths)
		}
		n, reply := int64(7), int64(-1)
		if _, err := conn.call(ctx, service, "Refuse", nil, &n, &reply); r.expect(err != nil, "Refuse succeeded") {
			equal(r, "error of Refuse", err.Error(), "interop: refused")
			equal(r, "reply beside a function's error", reply, int64(-1))
		}
	})
}

// unknown_fields: a peer of a later version sends a field more.
func unknownFields(ctx context.Context, e *env, c Command, r *report) {
	plus := message.BlobPlus{
		Text:  "known",
		Data:  []byte{1, 2, 3},
		Extra: map[string][]message.Inner{"a": {{ID: 1, Label: "x", Scores: []float64{1}}}, "b": nil},
	}
	var args any
	switch e.dialect.serialize {
	case protocol.ProtoBuffer:
		blob := &pb.Blob{Text: plus.Text, Data: plus.Data}
		var unknown []byte
		unknown = protowire.AppendTag(unknown, 99, protowire.BytesType)
		unknown = protowire.AppendString(unknown, "later")
		unknown = protowire.AppendTag(unknown, 100, protowire.VarintType)
		unknown = protowire.AppendVarint(unknown, math.MaxUint64)
		blob.ProtoReflect().SetUnknown(unknown)
		args = blob
	case protocol.Thrift:
		converted := thriftmsg.BlobPlus(plus)
		args = &converted
	default:
		args = &plus
	}
	withConnection(e, c.Gzip, r, func(conn *connection) {
		reply := e.dialect.newBlob()
		if _, err := conn.call(ctx, e.dialect.service, "Blob", nil, args, reply); r.succeeded("call", err) {
			text, data := e.dialect.blobOf(reply)
			equal(r, "text of the reply", text, plus.Text)
			equal(r, "data of the reply", string(data), string(plus.Data))
		}
	})
}
