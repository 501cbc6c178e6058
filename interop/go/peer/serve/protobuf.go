package serve

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
	"github.com/trunkline-rpc/trunkline/interop/go/peer/pb"
)

// Protobuf is the service for protobuf.
type Protobuf struct{}

// Echo answers with what it understood of its argument: it goes through the Go value.
func (s *Protobuf) Echo(ctx context.Context, args *pb.Everything, reply *pb.Everything) error {
	answer(ctx)
	proto.Merge(reply, pb.FromEverything(args.Everything()))
	return nil
}

// Make answers with a variant, and with what each of its fields holds.
func (s *Protobuf) Make(ctx context.Context, args *pb.Pick, reply *pb.Made) error {
	answer(ctx)
	value, err := message.Make(int(args.GetVariant()))
	if err != nil {
		return err
	}
	reply.Value, reply.Fields = pb.FromEverything(value), message.Fields(value, true)
	return nil
}

// Check names the fields in which its argument differs from the variant it says it is.
func (s *Protobuf) Check(ctx context.Context, args *pb.Everything, reply *pb.Checked) error {
	answer(ctx)
	checked := message.Check(args.Everything(), true)
	reply.Differ, reply.Detail = checked.Differ, checked.Detail
	return nil
}

// Blob answers with its argument.
func (s *Protobuf) Blob(ctx context.Context, args *pb.Blob, reply *pb.Blob) error {
	answer(ctx)
	reply.Text, reply.Data = args.GetText(), args.GetData()
	return nil
}

// Fail answers with its argument and an error.
func (s *Protobuf) Fail(ctx context.Context, args *pb.Blob, reply *pb.Blob) error {
	answer(ctx)
	reply.Text, reply.Data = args.GetText(), args.GetData()
	return fail(len(args.GetText()))
}

// Generate answers with as much as it is asked for.
func (s *Protobuf) Generate(ctx context.Context, args *pb.Generate, reply *pb.Blob) (err error) {
	answer(ctx)
	reply.Text, reply.Data, err = generate(args.GetTextLen(), args.GetDataLen())
	return err
}

// Floats answers with its argument.
func (s *Protobuf) Floats(ctx context.Context, args *pb.Floats, reply *pb.Floats) error {
	answer(ctx)
	reply.F32, reply.F64 = args.GetF32(), args.GetF64()
	return nil
}
