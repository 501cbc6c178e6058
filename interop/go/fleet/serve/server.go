// Package serve is a member of a fleet: a plain rpcx server that registers itself in etcd as rpcx's
// own users do.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/rcrowley/go-metrics"
	"github.com/rpcxio/rpcx-etcd/serverplugin"
	"github.com/smallnest/rpcx/server"

	"github.com/trunkline-rpc/trunkline/interop/go/fleet/message"
	"github.com/trunkline-rpc/trunkline/interop/go/fleet/store"
)

// Settings are what a member is started with.
type Settings struct {
	Address, Name, Rpcx string
	Metadata            string
	Delay               time.Duration

	Etcd           []string // no registration if empty
	Base           string
	Update, Expire time.Duration
	Metrics        bool
	// AwaitStart gives the plugin rpcx's "server started" channel, with which it writes the node at
	// the start instead of with the first tick.
	AwaitStart bool
}

// Member is a running server.
type Member struct {
	settings Settings
	service  *Fleet
	server   *server.Server
	addr     net.Addr
	failed   chan error
	began    time.Time
}

// Listen starts to serve, and to register if there is an etcd.
func Listen(settings Settings) (*Member, error) {
	listener, err := net.Listen("tcp", settings.Address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", settings.Address, err)
	}
	m := &Member{
		settings: settings,
		service:  &Fleet{name: settings.Name, rpcx: settings.Rpcx, delay: settings.Delay, executed: make(map[string]int64)},
		server:   server.NewServer(),
		addr:     listener.Addr(),
		failed:   make(chan error, 1),
		began:    time.Now(),
	}
	if len(settings.Etcd) > 0 {
		if err := m.announce(); err != nil {
			return nil, fmt.Errorf("cannot register in etcd at %v: %w", settings.Etcd, err)
		}
	}
	if err := m.server.RegisterName(message.Service, m.service, settings.Metadata); err != nil {
		return nil, err
	}
	go func() {
		if err := m.server.ServeListener("tcp", listener); err != nil && !errors.Is(err, server.ErrServerClosed) {
			m.failed <- err
		}
	}()
	return m, nil
}

// announce adds rpcx's own plugin, which must be there before a service is.
func (m *Member) announce() error {
	plugin := &serverplugin.EtcdV3RegisterPlugin{
		ServiceAddress: m.Node(),
		EtcdServers:    m.settings.Etcd,
		BasePath:       m.settings.Base,
		UpdateInterval: m.settings.Update,
		Expired:        m.settings.Expire,
	}
	if m.settings.Metrics {
		plugin.Metrics = metrics.NewRegistry()
	}
	if m.settings.AwaitStart {
		plugin.ServerStarted = m.server.Started
	}
	if err := plugin.Start(); err != nil {
		return err
	}
	m.server.Plugins.Add(plugin)
	return nil
}

// Address is where the member listens.
func (m *Member) Address() string { return m.addr.String() }

// Node is the name of the member in a registry.
func (m *Member) Node() string { return "tcp@" + m.Address() }

// Registered waits until the node can be read from etcd, and returns it as it is written there and
// how long that took. Without an etcd it is nil at once.
func (m *Member) Registered() (*store.Entry, time.Duration, error) {
	if len(m.settings.Etcd) == 0 {
		return nil, 0, nil
	}
	etcd, err := store.Open(m.settings.Etcd)
	if err != nil {
		return nil, 0, err
	}
	defer etcd.Close()
	key := m.settings.Base + "/" + message.Service + "/" + m.Node()
	deadline := m.began.Add(m.settings.Update + 10*time.Second)
	for time.Now().Before(deadline) {
		entry, err := etcd.Get(key)
		if err != nil {
			return nil, 0, err
		}
		if entry != nil {
			return entry, time.Since(m.began), nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, 0, fmt.Errorf("%s did not appear in etcd within %v", key, time.Since(m.began).Round(time.Millisecond))
}

// Failed yields the error of a server that ended by itself.
func (m *Member) Failed() <-chan error { return m.failed }

// Close ends at once; what is in the registry stays there until its lease ends.
func (m *Member) Close() { _ = m.server.Close() }

// Shutdown ends as rpcx does when it is asked to finish what has begun.
func (m *Member) Shutdown(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return m.server.Shutdown(ctx)
}

// Summary says what the member did.
func (m *Member) Summary() map[string]any {
	distinct, repeated := m.service.totals()
	return map[string]any{
		"name":     m.settings.Name,
		"answered": m.service.answered.Load(),
		"executed": distinct,
		"repeated": repeated,
	}
}
