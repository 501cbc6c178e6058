package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trunkline-rpc/trunkline/interop/go/fleet/message"
)

// maxRemembered bounds the memory of executed ids; calls beyond it are refused, not forgotten.
const maxRemembered = 1_000_000

// Fleet is the service; its exported methods are those that rpcx serves.
type Fleet struct {
	name, rpcx string
	delay      time.Duration
	answered   atomic.Int64

	mu       sync.Mutex
	executed map[string]int64
}

// Who says which member answered.
func (f *Fleet) Who(_ context.Context, _ *message.Nothing, reply *message.Identity) error {
	time.Sleep(f.delay)
	*reply = f.identity()
	return nil
}

// Keyed is Who with an argument that consistent hashing can tell calls apart by.
func (f *Fleet) Keyed(_ context.Context, _ string, reply *message.Identity) error {
	time.Sleep(f.delay)
	*reply = f.identity()
	return nil
}

// Echo answers with its argument.
func (f *Fleet) Echo(_ context.Context, text *message.Text, reply *message.Text) error {
	time.Sleep(f.delay)
	*reply = *text
	return nil
}

// Work sleeps and remembers the call's id from before it slept.
func (f *Fleet) Work(_ context.Context, work *message.Work, reply *message.Worked) error {
	times, err := f.remember(work.ID)
	if err != nil {
		return err
	}
	time.Sleep(f.delay + time.Duration(work.Millis)*time.Millisecond)
	*reply = message.Worked{Name: f.name, ID: work.ID, Times: times}
	return nil
}

// Refuse remembers the call's id and answers with an error.
func (f *Fleet) Refuse(_ context.Context, refusal *message.Refusal, _ *message.Worked) error {
	if _, err := f.remember(refusal.ID); err != nil {
		return err
	}
	time.Sleep(f.delay)
	return errors.New(refusal.Text)
}

// Executed tells which ids were begun, and how often.
func (f *Fleet) Executed(_ context.Context, query *message.Query, reply *message.Executions) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	times := maps.Clone(f.executed)
	maps.DeleteFunc(times, func(id string, _ int64) bool { return !strings.HasPrefix(id, query.Prefix) })
	*reply = message.Executions{Name: f.name, Times: times}
	return nil
}

func (f *Fleet) identity() message.Identity {
	return message.Identity{
		Name:     f.name,
		PID:      os.Getpid(),
		Language: "go",
		Rpcx:     f.rpcx,
		Count:    f.answered.Add(1),
	}
}

func (f *Fleet) remember(id string) (times int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.executed[id]; !known && len(f.executed) >= maxRemembered {
		return 0, fmt.Errorf("fleet: %s remembers %d ids already, expected a new process before more", f.name, maxRemembered)
	}
	f.executed[id]++
	return f.executed[id], nil
}

// totals are how many ids were begun, and how many of those more than once.
func (f *Fleet) totals() (distinct, repeated int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, times := range f.executed {
		if times > 1 {
			repeated++
		}
	}
	return len(f.executed), repeated
}
