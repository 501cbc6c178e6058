package load

import (
	"sync"
	"sync/atomic"
	"time"
)

// maxInFlight bounds the open loop: a peer that cannot keep up has calls skipped and counted.
const maxInFlight = 10_000

// pace starts calls at a fixed rate, whether or not earlier ones have ended.
type pace struct {
	mutex    sync.Mutex
	tally    tally
	inFlight atomic.Int64
	skipped  atomic.Uint64
	running  sync.WaitGroup
}

func open(operations []operation, rate int, w *window) *pace {
	p := new(pace)
	p.running.Go(func() {
		start := time.Now()
		step := time.Second / time.Duration(rate)
		for number := 0; ; number++ {
			due := start.Add(step * time.Duration(number))
			time.Sleep(time.Until(due))
			phase := w.phase.Load()
			if phase == over {
				return
			}
			if p.inFlight.Load() >= maxInFlight {
				if phase == measuring {
					p.skipped.Add(1)
				}
				continue
			}
			p.inFlight.Add(1)
			call := operations[number%len(operations)]
			p.running.Go(func() { p.one(call, due, phase == measuring) })
		}
	})
	return p
}

func (p *pace) one(call operation, due time.Time, measured bool) {
	err := call()
	p.inFlight.Add(-1)
	if measured {
		// From when the call was due: a late start is the load's doing, and the caller waits all the same.
		d := time.Since(due)
		p.mutex.Lock()
		p.tally.record(d, err)
		p.mutex.Unlock()
	}
}

func (p *pace) join() (*tally, error) {
	err := within(patience, p.running.Wait)
	return &p.tally, err
}
