// Package serve is the serving half of a peer: a plain rpcx server with a service for each codec.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/smallnest/rpcx/protocol"
	"github.com/smallnest/rpcx/server"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

// Token is what the port that asks for authentication accepts.
const Token = "Bearer interop"

// Refused is the error of a call with another token.
const Refused = "interop: wrong token"

// Peer is two servers that share their services: one is open, the other wants Token.
type Peer struct {
	open, auth         *server.Server
	openAddr, authAddr net.Addr
	secure             []*server.Server // those of ListenTLS
	counters           *counters
	failed             chan error
}

// Listen starts to serve on two addresses.
func Listen(openAddress, authAddress string) (*Peer, error) {
	counters := &counters{totals: make(map[string]int64)}
	peer := &Peer{open: server.NewServer(), auth: server.NewServer(), counters: counters, failed: make(chan error, 5)}
	peer.auth.AuthFunc = func(_ context.Context, _ *protocol.Message, token string) error {
		if token != Token {
			return errors.New(Refused)
		}
		return nil
	}
	var err error
	if peer.openAddr, err = peer.start(peer.open, openAddress, counters); err != nil {
		return nil, err
	}
	if peer.authAddr, err = peer.start(peer.auth, authAddress, counters); err != nil {
		return nil, err
	}
	return peer, nil
}

// Addresses returns where the two servers listen.
func (p *Peer) Addresses() (open, auth string) {
	return p.openAddr.String(), p.authAddr.String()
}

// Failed yields the error of a server that ended by itself.
func (p *Peer) Failed() <-chan error { return p.failed }

// Close ends at once.
func (p *Peer) Close() {
	_ = p.open.Close()
	_ = p.auth.Close()
	for _, s := range p.secure {
		_ = s.Close()
	}
}

// Shutdown ends as rpcx does when it is asked to finish what has begun.
func (p *Peer) Shutdown(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := errors.Join(p.open.Shutdown(ctx), p.auth.Shutdown(ctx))
	for _, s := range p.secure {
		err = errors.Join(err, s.Shutdown(ctx))
	}
	return err
}

func (p *Peer) start(s *server.Server, address string, counters *counters) (net.Addr, error) {
	s.Plugins.Add(seenPlugin{})
	if err := register(s, counters); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("interop: cannot listen on %s: %w", address, err)
	}
	return p.serve(s, listener), nil
}

func (p *Peer) serve(s *server.Server, listener net.Listener) net.Addr {
	go func() {
		if err := s.ServeListener("tcp", listener); err != nil && !errors.Is(err, server.ErrServerClosed) {
			p.failed <- err
		}
	}()
	return listener.Addr()
}

func register(s *server.Server, counters *counters) error {
	return errors.Join(
		s.RegisterName("Interop", &Interop{server: s, counters: counters}, ""),
		s.RegisterName("InteropRaw", &Raw{}, ""),
		s.RegisterName("InteropPB", &Protobuf{}, ""),
		s.RegisterName("InteropThrift", &Thrift{}, ""),
		s.RegisterFunctionName("InteropFunc", "Neg", Neg, ""),
		s.RegisterFunctionName("InteropFunc", "Greet", Greet, ""),
		s.RegisterFunctionName("InteropFunc", "Sum", Sum, ""),
		s.RegisterFunctionName("InteropFunc", "Lengths", Lengths, ""),
		s.RegisterFunctionName("InteropFunc", "Refuse", Refuse, ""),
	)
}

// fail is what a method that was asked to fail returns beside its reply.
func fail(length int) error {
	return errors.New(message.FailText(length))
}
