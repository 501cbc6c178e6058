package call

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	maxTexts = 20      // different error texts that are told apart
	maxTimes = 200_000 // latencies that are kept for the percentiles
	maxOrder = 1000    // calls whose instance is told one by one
)

// tally counts what became of calls.
type tally struct {
	mu         sync.Mutex
	calls      int64
	errors     int64
	texts      map[string]int64
	byInstance map[string]int64
	times      []time.Duration
}

func newTally() *tally {
	return &tally{texts: make(map[string]int64), byInstance: make(map[string]int64)}
}

func (t *tally) add(instance string, err error, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	if len(t.times) < maxTimes {
		t.times = append(t.times, took)
	}
	if err == nil {
		t.byInstance[instance]++
		return
	}
	t.errors++
	text := err.Error()
	if _, known := t.texts[text]; !known && len(t.texts) >= maxTexts {
		text = "others"
	}
	t.texts[text]++
}

// Counts is a tally as it is reported. Latencies are those of all calls, failed ones included.
type Counts struct {
	Calls      int64            `json:"calls"`
	Answered   int64            `json:"answered"`
	Errors     int64            `json:"errors"`
	ErrorTexts map[string]int64 `json:"error_texts"`
	ByInstance map[string]int64 `json:"by_instance"`
	P50        int64            `json:"p50_us"`
	P99        int64            `json:"p99_us"`
	Max        int64            `json:"max_us"`
}

func (t *tally) counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.times)
	at := func(share float64) int64 {
		if len(t.times) == 0 {
			return 0
		}
		return t.times[min(len(t.times)-1, int(share*float64(len(t.times))))].Microseconds()
	}
	return Counts{
		Calls: t.calls, Answered: t.calls - t.errors, Errors: t.errors,
		ErrorTexts: maps.Clone(t.texts), ByInstance: maps.Clone(t.byInstance),
		P50: at(0.5), P99: at(0.99), Max: at(1),
	}
}
