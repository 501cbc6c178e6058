package load

import "time"

var sink uint64

// Burn computes for so many milliseconds of wall-clock time without yielding by itself.
func Burn(millis uint32) {
	end := time.Now().Add(time.Duration(millis) * time.Millisecond)
	state := uint64(1)
	for time.Now().Before(end) {
		for range 1000 {
			state = state*6364136223846793005 + 1
		}
	}
	if state == 0 {
		// Never: it keeps the computation from being removed.
		sink = state
	}
}
