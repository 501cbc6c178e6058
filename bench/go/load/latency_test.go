package load

import (
	"math"
	"testing"
	"time"
)

func TestBucketsFollowEachOtherWithoutGap(t *testing.T) {
	last := uint64(0)
	for nanos := range uint64(1_000_000) {
		index := bucket(nanos)
		if index != last && index != last+1 {
			t.Fatalf("%d is in %d after %d", nanos, index, last)
		}
		last = index
	}
}

func TestQuantilesAreWithinTwoPercent(t *testing.T) {
	l := new(latency)
	for micros := 1; micros <= 10_000; micros++ {
		l.record(time.Duration(micros) * time.Microsecond)
	}
	for _, share := range []float64{0.5, 0.99} {
		if got := l.quantile(share); math.Abs(got/(share*10_000)-1) > 0.02 {
			t.Errorf("%v: %v", share, got)
		}
	}
}
