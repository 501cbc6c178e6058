package serve

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

// Raw is the service for plain bytes.
type Raw struct{}

// Blob answers with its argument.
func (s *Raw) Blob(ctx context.Context, args []byte, reply *[]byte) error {
	answer(ctx)
	*reply = args
	return nil
}

// Fail answers with its argument and an error.
func (s *Raw) Fail(ctx context.Context, args []byte, reply *[]byte) error {
	answer(ctx)
	*reply = args
	return fail(len(args))
}

// Generate answers with as many bytes as its argument says: four bytes, big-endian.
func (s *Raw) Generate(ctx context.Context, args []byte, reply *[]byte) error {
	answer(ctx)
	if len(args) != 4 {
		return fmt.Errorf("interop: got a length of %d bytes, expected 4", len(args))
	}
	n := binary.BigEndian.Uint32(args)
	if n > generateLimit {
		return fmt.Errorf("interop: cannot generate %d bytes, expected at most %d", n, generateLimit)
	}
	*reply = message.Bytes(int(n))
	return nil
}
