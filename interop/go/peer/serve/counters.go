package serve

import "sync"

// counters are sums by key, shared by the services of a peer.
type counters struct {
	mu     sync.Mutex
	totals map[string]int64
}

func (c *counters) add(key string, n int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.totals[key] += n
	return c.totals[key]
}
