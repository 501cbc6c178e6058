// The peer rpcx: Go's rpcx with its defaults and one plain client per connection.
package main

import (
	"context"
	"net"

	"github.com/smallnest/rpcx/client"
	"github.com/smallnest/rpcx/log"
	"github.com/smallnest/rpcx/protocol"
	"github.com/smallnest/rpcx/server"
	"github.com/smallnest/rpcx/share"

	"bench/load"
	"bench/pb"
)

func main() {
	log.SetDummyLogger()
	load.Run(serve, connect)
}

// Bench is the service; rpcx finds its methods by reflection.
type Bench struct{}

func (Bench) Say(_ context.Context, request *pb.BenchmarkMessage, reply *pb.BenchmarkMessage) error {
	pb.Answer(request, reply)
	return nil
}

func (Bench) Echo(_ context.Context, request *pb.Blob, reply *pb.Blob) error {
	reply.Data = request.Data
	return nil
}

func (Bench) Burn(_ context.Context, request *pb.Millis, reply *pb.Millis) error {
	load.Burn(request.Value)
	reply.Value = request.Value
	return nil
}

func serve(listener net.Listener) error {
	s := server.NewServer()
	if err := s.RegisterName(service, Bench{}, ""); err != nil {
		return err
	}
	return s.ServeListener("tcp", listener)
}

type peer struct {
	clients []*client.Client
	ctx     context.Context
}

func connect(addr string, connections int) (load.Peer, error) {
	// The deadline as the multi-server client puts it on the wire; a timer per call is spared.
	deadline := map[string]string{share.ServerTimeout: "10000"}
	p := &peer{ctx: context.WithValue(context.Background(), share.ReqMetaDataKey, deadline)}
	option := client.DefaultOption
	option.SerializeType = protocol.ProtoBuffer
	for range connections {
		c := client.NewClient(option)
		if err := c.Connect("tcp", addr); err != nil {
			return nil, err
		}
		p.clients = append(p.clients, c)
	}
	return p, nil
}

func (p *peer) Say(connection int, message *pb.BenchmarkMessage) (*pb.BenchmarkMessage, error) {
	reply := new(pb.BenchmarkMessage)
	return reply, p.clients[connection].Call(p.ctx, service, "Say", message, reply)
}

func (p *peer) Echo(connection int, payload []byte) ([]byte, error) {
	reply := new(pb.Blob)
	err := p.clients[connection].Call(p.ctx, service, "Echo", &pb.Blob{Data: payload}, reply)
	return reply.Data, err
}

func (p *peer) Burn(connection int, millis uint32) error {
	return p.clients[connection].Call(p.ctx, service, "Burn", &pb.Millis{Value: millis}, new(pb.Millis))
}

const service = "Bench"
