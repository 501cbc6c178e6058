package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/smallnest/rpcx/server"
	"github.com/smallnest/rpcx/share"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
	"github.com/trunkline-rpc/trunkline/interop/go/trunklineerr"
)

// Interop is the service for JSON and MessagePack.
type Interop struct {
	server   *server.Server
	counters *counters
}

// Echo answers with its argument.
func (s *Interop) Echo(ctx context.Context, args *message.Everything, reply *message.Everything) error {
	answer(ctx)
	*reply = *args
	return nil
}

// Make answers with a variant, and with what each of its fields holds.
func (s *Interop) Make(ctx context.Context, args *message.Pick, reply *message.Made) error {
	answer(ctx)
	value, err := message.Make(int(args.Variant))
	if err != nil {
		return err
	}
	*reply = message.Made{Value: *value, Fields: message.Fields(value, false)}
	return nil
}

// Check names the fields in which its argument differs from the variant it says it is.
func (s *Interop) Check(ctx context.Context, args *message.Everything, reply *message.Checked) error {
	answer(ctx)
	*reply = message.Check(args, false)
	return nil
}

// Blob answers with its argument.
func (s *Interop) Blob(ctx context.Context, args *message.Blob, reply *message.Blob) error {
	answer(ctx)
	*reply = *args
	return nil
}

// Fail answers with its argument and an error.
func (s *Interop) Fail(ctx context.Context, args *message.Blob, reply *message.Blob) error {
	answer(ctx)
	*reply = *args
	return fail(len(args.Text))
}

// Generate answers with as much as it is asked for.
func (s *Interop) Generate(ctx context.Context, args *message.Generate, reply *message.Blob) error {
	answer(ctx)
	text, data, err := generate(args.TextLen, args.DataLen)
	*reply = message.Blob{Text: text, Data: data}
	return err
}

// Floats answers with its argument; JSON cannot carry what it is for.
func (s *Interop) Floats(ctx context.Context, args *message.Floats, reply *message.Floats) error {
	answer(ctx)
	*reply = *args
	return nil
}

// Sleep answers later.
func (s *Interop) Sleep(ctx context.Context, args *message.Sleep, reply *message.Slept) error {
	answer(ctx)
	time.Sleep(time.Duration(args.Millis) * time.Millisecond)
	reply.ID = args.ID
	return nil
}

// Hit adds to a counter and answers with where it stands.
func (s *Interop) Hit(ctx context.Context, args *message.Hit, reply *message.Total) error {
	answer(ctx)
	reply.Total = s.counters.add(args.Key, args.Add)
	return nil
}

// Linger stays for a while and counts how it began and ended. rpcx does not tell a handler that
// its caller is gone, so here only a deadline makes the end a cancelled one.
func (s *Interop) Linger(ctx context.Context, args *message.Linger, _ *message.Nothing) error {
	answer(ctx)
	s.counters.add(args.Key+".started", 1)
	select {
	case <-time.After(time.Duration(args.Millis) * time.Millisecond):
		s.counters.add(args.Key+".finished", 1)
		return nil
	case <-ctx.Done():
		s.counters.add(args.Key+".cancelled", 1)
		return ctx.Err()
	}
}

// Push sends frames of the server's own over the caller's connection, then answers. The i-th has
// path "InteropPush", method "Pushed", metadata "index" = i and "text", and the text as payload.
func (s *Interop) Push(ctx context.Context, args *message.Push, reply *message.Pushed) error {
	answer(ctx)
	connection, ok := ctx.Value(server.RemoteConnContextKey).(net.Conn)
	if !ok {
		return errors.New("interop: the handler cannot see its connection")
	}
	for i := range args.Times {
		metadata := map[string]string{"index": fmt.Sprint(i), "text": args.Text}
		if err := s.server.SendMessage(connection, "InteropPush", "Pushed", metadata, []byte(args.Text)); err != nil {
			return fmt.Errorf("interop: push %d of %d failed: %w", i, args.Times, err)
		}
		reply.Sent++
	}
	return nil
}

// Deadline answers with what the handler can tell about its caller's deadline.
func (s *Interop) Deadline(ctx context.Context, _ *message.Nothing, reply *message.DeadlineSeen) error {
	answer(ctx)
	if request, ok := ctx.Value(share.ReqMetaDataKey).(map[string]string); ok {
		reply.Raw = request[share.ServerTimeout]
	}
	if deadline, ok := ctx.Deadline(); ok {
		reply.Present = true
		reply.Millis = time.Until(deadline).Milliseconds()
	}
	return nil
}

// Rich returns the error that it is asked for.
func (s *Interop) Rich(ctx context.Context, args *message.Rich, _ *message.Nothing) error {
	answer(ctx)
	e := trunklineerr.New(trunklineerr.Kind(args.Kind), args.Text).WithCode(args.Code)
	if args.Details != "" {
		e.Details = []byte(args.Details)
	}
	if args.HasRetryAfter {
		e.WithRetryAfter(time.Duration(args.RetryAfterMillis) * time.Millisecond)
	}
	e.NotStarted = args.NotStarted
	return trunklineerr.Return(ctx.Value(share.ResMetaDataKey), e)
}

// Panic does.
func (s *Interop) Panic(context.Context, *message.Nothing, *message.Nothing) error {
	panic("interop: asked to panic")
}

// The largest reply that Generate makes.
const generateLimit = 64 << 20

func generate(textLen, dataLen int32) (string, []byte, error) {
	if textLen < 0 || dataLen < 0 || int64(textLen)+int64(dataLen) > generateLimit {
		return "", nil, fmt.Errorf("interop: cannot generate %d and %d bytes, expected 0 to %d in all", textLen, dataLen, generateLimit)
	}
	return message.Text(int(textLen)), message.Bytes(int(dataLen)), nil
}
