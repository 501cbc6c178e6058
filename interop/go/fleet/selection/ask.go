package selection

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/smallnest/rpcx/client"

	"github.com/trunkline-rpc/trunkline/interop/go/fleet/message"
)

// Hashed is a key as rpcx hashes it.
type Hashed struct {
	Key  string           `json:"key"`
	Text string           `json:"text"` // what is hashed
	FNV  string           `json:"fnv"`  // decimal: it may exceed what JSON numbers hold
	Jump map[string]int32 `json:"jump"` // by number of buckets
}

// HashKey tells how rpcx hashes the key of a call.
func HashKey(path, method, key string, buckets []int32) Hashed {
	text := "/" + path + "/" + method + "/" + key
	hashed := Hashed{Key: key, Text: text, FNV: strconv.FormatUint(client.HashString(text), 10), Jump: make(map[string]int32)}
	for _, n := range buckets {
		jump := client.Hash(client.HashString(text), n)
		// The same by rpcx's own way to the text, so that ours is not just asserted.
		if own := client.JumpConsistentHash(int(n), path, method, key); int32(own) != jump {
			hashed.Text = fmt.Sprintf("rpcx does not hash %q: it jumps to %d of %d, not to %d", text, own, n, jump)
		}
		hashed.Jump[strconv.Itoa(int(n))] = jump
	}
	return hashed
}

// HashStep is where the keys go after a step of the history.
type HashStep struct {
	Step    string            `json:"step"`
	Servers []string          `json:"servers"` // sorted
	Chosen  map[string]string `json:"chosen"`  // by key
}

// HashHistory plays steps such as +tcp@127.0.0.1:9000 and -tcp@127.0.0.1:9000, and tells where
// rpcx's own selector sends each key after each of them. One step at a time, because rpcx takes what
// comes at once in random order.
func HashHistory(path, method string, steps, keys []string) ([]HashStep, error) {
	var servers []string
	c := New(path, client.ConsistentHash, "", nil)
	defer c.Close()
	told := make([]HashStep, 0, len(steps))
	for _, step := range steps {
		sign, server := step[:min(1, len(step))], strings.TrimLeft(step, "+-")
		at := slices.Index(servers, server)
		switch {
		case sign == "+" && at < 0:
			servers = append(servers, server)
		case sign == "-" && at >= 0:
			servers = slices.Delete(slices.Clone(servers), at, at+1)
		default:
			return nil, fmt.Errorf("%q is no step, expected + and a server that is not there or - and one that is", step)
		}
		c.Update(pairs(servers))
		chosen := make(map[string]string, len(keys))
		for _, key := range keys {
			server, err := c.Choose(method, key)
			if err != nil {
				return nil, err
			}
			chosen[key] = server
		}
		told = append(told, HashStep{step, slices.Sorted(slices.Values(servers)), chosen})
	}
	return told, nil
}

// Sequence is an order of choices, and how many of the clients chose so.
type Sequence struct {
	Chosen []string `json:"chosen"`
	Seen   int      `json:"seen"`
	Panic  string   `json:"panic,omitempty"`
}

// Sequences lets so many new clients choose n times each. They may differ: rpcx iterates over maps.
func Sequences(mode client.SelectMode, group string, servers []*client.KVPair, at *[2]float64, n, clients int) ([]Sequence, error) {
	var all []Sequence
	for range clients {
		one, err := sequence(mode, group, servers, at, n)
		if err != nil {
			return nil, err
		}
		same := func(s Sequence) bool { return slices.Equal(s.Chosen, one.Chosen) && s.Panic == one.Panic }
		if i := slices.IndexFunc(all, same); i >= 0 {
			all[i].Seen++
		} else {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b Sequence) int { return slices.Compare(a.Chosen, b.Chosen) })
	return all, nil
}

func sequence(mode client.SelectMode, group string, servers []*client.KVPair, at *[2]float64, n int) (told Sequence, err error) {
	told = Sequence{Chosen: []string{}, Seen: 1}
	// Some weights make rpcx panic, which is an answer too. Such a client is left as it is: it
	// holds its own lock for ever.
	defer func() {
		if panicked := recover(); panicked != nil {
			told.Panic = fmt.Sprint(panicked)
		}
	}()
	c := New(message.Service, mode, group, slices.Clone(servers))
	if at != nil {
		c.At(at[0], at[1])
	}
	for range n {
		server, err := c.Choose("Who", nil)
		if err != nil {
			return told, err
		}
		told.Chosen = append(told.Chosen, server)
	}
	c.Close()
	return told, nil
}

// Metadata is a node's metadata as Go reads and writes it.
type Metadata struct {
	Input   string              `json:"input"`
	Error   string              `json:"error"`   // of the parser; empty if there was none
	Pairs   map[string][]string `json:"pairs"`   // what it kept
	Encoded string              `json:"encoded"` // what a tick writes
}

// Canonical parses metadata, sets values as a tick with metrics does, and encodes it again.
func Canonical(input string, set map[string]string) Metadata {
	values, err := url.ParseQuery(input)
	for key, value := range set {
		values.Set(key, value)
	}
	told := Metadata{Input: input, Pairs: values, Encoded: values.Encode()}
	if err != nil {
		told.Error = err.Error()
	}
	return told
}

func pairs(servers []string) []*client.KVPair {
	list := make([]*client.KVPair, len(servers))
	for i, server := range servers {
		list[i] = &client.KVPair{Key: server}
	}
	return list
}
