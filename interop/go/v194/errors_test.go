package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/smallnest/rpcx/client"
	"github.com/smallnest/rpcx/protocol"
	"github.com/smallnest/rpcx/server"
	"github.com/smallnest/rpcx/share"

	"github.com/trunkline-rpc/trunkline/interop/go/trunklineerr"
)

// Users fails in a way that has more to say than a text.
type Users struct{}

func (*Users) Find(_ context.Context, id *int, _ *string) error {
	if *id == 0 {
		return errors.New("plain")
	}
	e := trunklineerr.New(trunklineerr.NotFound, "no such user").WithCode("user_missing").WithDetails(*id)
	return fmt.Errorf("find: %w", e.WithRetryAfter(2*time.Second))
}

// The hooks that are set once for a server and for a process, as the package's comment shows them.
func TestHooksCarryErrorsThroughRpcx(t *testing.T) {
	s := server.NewServer()
	s.ServerErrorFunc = func(res *protocol.Message, err error) string {
		return trunklineerr.Attach(res.Metadata, err)
	}
	if err := s.RegisterName("Users", &Users{}, ""); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.ServeListener("tcp", listener)
	defer s.Close()

	client.ClientErrorFunc = func(res *protocol.Message, text string) client.ServiceError {
		return trunklineerr.Of(res.Metadata, text)
	}
	defer func() { client.ClientErrorFunc = nil }()
	c := client.NewClient(client.DefaultOption)
	if err := c.Connect("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	response := make(map[string]string)
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), share.ResMetaDataKey, response), 10*time.Second)
	defer cancel()
	call := func(service string, id int) *trunklineerr.Error {
		t.Helper()
		var name string
		err := c.Call(ctx, service, "Find", &id, &name)
		var e *trunklineerr.Error
		if !errors.As(err, &e) {
			t.Fatalf("%T is no *trunklineerr.Error: %v", err, err)
		}
		return e
	}

	e := call("Users", 7)
	var id int
	if err := e.DecodeDetails(&id); err != nil || id != 7 {
		t.Errorf("details %s: %v", e.Details, err)
	}
	if e.Kind != trunklineerr.NotFound || e.Text != "find: no such user" || e.Code != "user_missing" || e.RetryAfter == nil || *e.RetryAfter != 2*time.Second {
		t.Errorf("got %+v", e)
	}
	if read, ok := trunklineerr.Read(response); !ok || read.Code != "user_missing" {
		t.Errorf("the response metadata holds %v", response)
	}
	if e := call("Users", 0); e.Kind != trunklineerr.Application || e.Text != "plain" || e.Code != "" {
		t.Errorf("got %+v", e)
	}
	if e := call("Nowhere", 0); e.Kind != trunklineerr.NotFound {
		t.Errorf("got %+v", e)
	}
}
