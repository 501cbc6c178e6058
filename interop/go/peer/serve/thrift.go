package serve

import (
	"context"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
	"github.com/trunkline-rpc/trunkline/interop/go/peer/thriftmsg"
)

// Thrift is the service for thrift.
type Thrift struct{}

// Echo answers with its argument.
func (s *Thrift) Echo(ctx context.Context, args *thriftmsg.Everything, reply *thriftmsg.Everything) error {
	answer(ctx)
	*reply = *args
	return nil
}

// Make answers with a variant, and with what each of its fields holds.
func (s *Thrift) Make(ctx context.Context, args *thriftmsg.Pick, reply *thriftmsg.Made) error {
	answer(ctx)
	value, err := message.Make(int(args.Variant))
	if err != nil {
		return err
	}
	reply.Value.Everything, reply.Fields = *value, message.Fields(value, false)
	return nil
}

// Check names the fields in which its argument differs from the variant it says it is.
func (s *Thrift) Check(ctx context.Context, args *thriftmsg.Everything, reply *thriftmsg.Checked) error {
	answer(ctx)
	*reply = thriftmsg.Checked(message.Check(&args.Everything, false))
	return nil
}

// Blob answers with its argument.
func (s *Thrift) Blob(ctx context.Context, args *thriftmsg.Blob, reply *thriftmsg.Blob) error {
	answer(ctx)
	*reply = *args
	return nil
}

// Fail answers with its argument and an error.
func (s *Thrift) Fail(ctx context.Context, args *thriftmsg.Blob, reply *thriftmsg.Blob) error {
	answer(ctx)
	*reply = *args
	return fail(len(args.Text))
}

// Generate answers with as much as it is asked for.
func (s *Thrift) Generate(ctx context.Context, args *thriftmsg.Generate, reply *thriftmsg.Blob) error {
	answer(ctx)
	text, data, err := generate(args.TextLen, args.DataLen)
	*reply = thriftmsg.Blob{Text: text, Data: data}
	return err
}

// Floats answers with its argument.
func (s *Thrift) Floats(ctx context.Context, args *thriftmsg.Floats, reply *thriftmsg.Floats) error {
	answer(ctx)
	*reply = *args
	return nil
}
