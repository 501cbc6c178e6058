package load

import "time"

// tally is what callers counted: calls that ended within the window.
type tally struct {
	latency latency
	errors  uint64
	err     error
}

func (t *tally) record(d time.Duration, err error) {
	if err == nil {
		t.latency.record(d)
		return
	}
	t.errors++
	if t.err == nil {
		t.err = err
	}
}

func (t *tally) merge(other *tally) {
	t.latency.merge(&other.latency)
	t.errors += other.errors
	if t.err == nil {
		t.err = other.err
	}
}
