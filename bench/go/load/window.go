package load

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	warming int32 = iota
	measuring
	over
)

// window tells the callers whether what they do counts.
type window struct{ phase atomic.Int32 }

// spent is what went by, and the CPU time of both sides.
type spent struct{ wall, client, server time.Duration }

// pass lets the callers warm up, measures for so long, and tells them to stop.
func (w *window) pass(warmup, length time.Duration, server int) (spent, error) {
	time.Sleep(warmup)
	before, err := read(server)
	if err != nil {
		return spent{}, err
	}
	start := time.Now()
	w.phase.Store(measuring)
	time.Sleep(length)
	w.phase.Store(over)
	wall := time.Since(start)
	after, err := read(server)
	return spent{wall, after.client - before.client, after.server - before.server}, err
}

func read(server int) (s spent, err error) {
	if s.client, err = cpu(unix.CLOCK_PROCESS_CPUTIME_ID); err != nil || server == 0 {
		return s, err
	}
	// The clock of another process, as clock_getcpuclockid makes it: the inverted id above three bits that
	// ask for the scheduler's count.
	s.server, err = cpu(int32(^server<<3 | 2))
	return s, err
}

func cpu(clock int32) (time.Duration, error) {
	var at unix.Timespec
	err := unix.ClockGettime(clock, &at)
	return time.Duration(at.Nano()), err
}
