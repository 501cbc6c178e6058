package load

import (
	"runtime"
	"sync"
	"time"
)

// closed starts one goroutine per operation; each makes its next call when the last one has ended.
func closed(operations []operation, w *window) *closedLoop {
	loop := &closedLoop{tallies: make([]*tally, len(operations))}
	for i, call := range operations {
		t := new(tally)
		loop.tallies[i] = t
		loop.running.Go(func() { repeat(call, t, w) })
	}
	return loop
}

type closedLoop struct {
	tallies []*tally
	running sync.WaitGroup
}

func repeat(call operation, t *tally, w *window) {
	start := time.Now()
	for {
		err := call()
		end := time.Now()
		switch w.phase.Load() {
		case measuring:
			t.record(end.Sub(start), err)
		case over:
			return
		}
		if err != nil {
			runtime.Gosched()
		}
		start = end
	}
}

func (l *closedLoop) join() (*tally, error) {
	if err := within(patience, l.running.Wait); err != nil {
		return nil, err
	}
	sum := new(tally)
	for _, t := range l.tallies {
		sum.merge(t)
	}
	return sum, nil
}
