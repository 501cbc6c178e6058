package call

import (
	"fmt"
	"strings"

	"github.com/smallnest/rpcx/client"
)

// ParseServers reads a static list: "tcp@h:1?weight=5,tcp@h:2". A comma inside metadata is %2C.
func ParseServers(text string) ([]*client.KVPair, error) {
	var pairs []*client.KVPair
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		key, metadata, _ := strings.Cut(part, "?")
		if !strings.Contains(key, "@") {
			return nil, fmt.Errorf("%q is no server, expected NETWORK@ADDRESS or NETWORK@ADDRESS?METADATA", part)
		}
		pairs = append(pairs, &client.KVPair{Key: key, Value: metadata})
	}
	return pairs, nil
}

var selectModes = map[string]client.SelectMode{
	"random":     client.RandomSelect,
	"roundrobin": client.RoundRobin,
	"weighted":   client.WeightedRoundRobin,
	"icmp":       client.WeightedICMP,
	"hash":       client.ConsistentHash,
	"closest":    client.Closest,
}

var failModes = map[string]client.FailMode{
	"failover":   client.Failover,
	"failfast":   client.Failfast,
	"failtry":    client.Failtry,
	"failbackup": client.Failbackup,
}

// ParseSelect reads a select mode.
func ParseSelect(name string) (client.SelectMode, error) {
	mode, known := selectModes[name]
	if !known {
		return 0, fmt.Errorf("unknown select mode %q, expected random, roundrobin, weighted, icmp, hash or closest", name)
	}
	return mode, nil
}

// ParseFail reads a fail mode.
func ParseFail(name string) (client.FailMode, error) {
	mode, known := failModes[name]
	if !known {
		return 0, fmt.Errorf("unknown fail mode %q, expected failover, failfast, failtry or failbackup", name)
	}
	return mode, nil
}
