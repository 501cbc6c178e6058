// The peer grpc-go: Go's gRPC with its defaults and one client per connection.
package main

import (
	"context"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"bench/load"
	"bench/pb"
)

func main() {
	load.Run(serve, connect)
}

type bench struct{ pb.UnimplementedBenchServer }

func (bench) Say(_ context.Context, request *pb.BenchmarkMessage) (*pb.BenchmarkMessage, error) {
	request.Field1 = "OK"
	request.Field2 = 100
	return request, nil
}

func (bench) Echo(_ context.Context, request *pb.Blob) (*pb.Blob, error) {
	return request, nil
}

func (bench) Burn(_ context.Context, request *pb.Millis) (*pb.Millis, error) {
	load.Burn(request.Value)
	return request, nil
}

func serve(listener net.Listener) error {
	s := grpc.NewServer()
	pb.RegisterBenchServer(s, bench{})
	return s.Serve(listener)
}

type peer struct {
	clients []pb.BenchClient
	ctx     context.Context
	cancel  context.CancelFunc
}

func connect(addr string, connections int) (load.Peer, error) {
	// One deadline for all: each call carries it, and a timer per call is spared. The process ends long before.
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	p := &peer{ctx: ctx, cancel: cancel}
	for range connections {
		connection, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err == nil {
			// A channel dials with its first call; it is to be there before the callers are.
			c := pb.NewBenchClient(connection)
			p.clients = append(p.clients, c)
			_, err = c.Burn(ctx, &pb.Millis{}, grpc.WaitForReady(true))
		}
		if err != nil {
			p.cancel()
			return nil, err
		}
	}
	return p, nil
}

func (p *peer) Say(connection int, message *pb.BenchmarkMessage) (*pb.BenchmarkMessage, error) {
	return p.clients[connection].Say(p.ctx, message)
}

func (p *peer) Echo(connection int, payload []byte) ([]byte, error) {
	reply, err := p.clients[connection].Echo(p.ctx, &pb.Blob{Data: payload})
	return reply.GetData(), err
}

func (p *peer) Burn(connection int, millis uint32) error {
	_, err := p.clients[connection].Burn(p.ctx, &pb.Millis{Value: millis})
	return err
}
