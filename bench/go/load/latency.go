package load

import (
	"math"
	"math/bits"
	"time"
)

const (
	stepsLog2 = 6
	steps     = 1 << stepsLog2
	buckets   = 32 * steps
)

// latency counts call times by magnitude: 64 steps per power of two, as the Rust peers do.
type latency struct {
	counts [buckets]uint32
	total  uint64
}

func (l *latency) record(d time.Duration) {
	l.counts[bucket(uint64(max(d, 0)))]++
	l.total++
}

func (l *latency) merge(other *latency) {
	for i, count := range other.counts {
		l.counts[i] += count
	}
	l.total += other.total
}

// quantile is in microseconds; 0 without calls.
func (l *latency) quantile(share float64) float64 {
	rank := max(uint64(math.Ceil(share*float64(l.total))), 1)
	seen := uint64(0)
	for i, count := range l.counts {
		seen += uint64(count)
		if seen >= rank {
			return middle(uint64(i)) / 1000
		}
	}
	return 0
}

func bucket(nanos uint64) uint64 {
	if nanos < steps {
		return nanos
	}
	shift := uint64(bits.Len64(nanos)) - 1 - stepsLog2
	return min((shift+1)*steps+(nanos>>shift)-steps, buckets-1)
}

func middle(index uint64) float64 {
	if index < steps {
		return float64(index)
	}
	shift := index/steps - 1
	return float64((steps+index%steps)<<shift) + float64(uint64(1)<<shift)/2
}
