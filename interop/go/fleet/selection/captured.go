// Package selection asks rpcx's own selectors which server they would choose, without calling any.
package selection

import (
	"context"
	"errors"
	"fmt"

	"github.com/smallnest/rpcx/client"
)

// errChosen is how a client is kept from dialling what it has chosen.
var errChosen = errors.New("chosen")

// Captured is an rpcx client that chooses but does not call.
type Captured struct {
	servers *given
	client  client.XClient
	chosen  string
}

// New makes a client of the service path with this mode over these servers.
func New(path string, mode client.SelectMode, group string, servers []*client.KVPair) *Captured {
	c := &Captured{servers: &given{pairs: servers, updates: make(chan []*client.KVPair)}}
	option := client.DefaultOption
	option.Group = group
	c.client = client.NewXClient(path, client.Failfast, mode, c.servers, option)
	plugins := client.NewPluginContainer()
	plugins.Add(c)
	c.client.SetPlugins(plugins)
	return c
}

// At says where the caller is, which the Closest mode needs.
func (c *Captured) At(latitude, longitude float64) { c.client.ConfigGeoSelector(latitude, longitude) }

// Update replaces the list of servers; it is in force when Update returns.
func (c *Captured) Update(servers []*client.KVPair) {
	// The client takes lists from this channel one after the other, and the channel holds none: when
	// the second is taken, the first has been dealt with. Being equal, the second changes nothing.
	c.servers.updates <- servers
	c.servers.updates <- servers
}

// Choose is the selector's choice for a call; an empty string is none.
func (c *Captured) Choose(method string, argument any) (string, error) {
	c.chosen = ""
	err := c.client.Call(context.Background(), method, argument, nil)
	if !errors.Is(err, client.ErrXClientNoServer) {
		return "", fmt.Errorf("expected rpcx to find no server after %w: %v", errChosen, err)
	}
	return c.chosen, nil
}

// Close ends the client.
func (c *Captured) Close() { _ = c.client.Close() }

// WrapSelect is rpcx's hook around the selector: it notes the choice and answers with none.
func (c *Captured) WrapSelect(choose client.SelectFunc) client.SelectFunc {
	return func(ctx context.Context, path, method string, argument any) string {
		c.chosen = choose(ctx, path, method, argument)
		return ""
	}
}

// given is a discovery whose lists are handed over without a buffer.
type given struct {
	pairs   []*client.KVPair
	updates chan []*client.KVPair
}

func (g *given) GetServices() []*client.KVPair                 { return g.pairs }
func (g *given) WatchService() chan []*client.KVPair           { return g.updates }
func (g *given) RemoveWatcher(chan []*client.KVPair)           {}
func (g *given) Clone(string) (client.ServiceDiscovery, error) { return g, nil }
func (g *given) SetFilter(client.ServiceDiscoveryFilter)       {}
func (g *given) Close()                                        {}
