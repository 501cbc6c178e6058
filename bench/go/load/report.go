package load

import "time"

// report has the fields that the comparison reads.
type report struct {
	Calls           uint64   `json:"calls"`
	Errors          uint64   `json:"errors"`
	Error           string   `json:"error,omitempty"`
	Skipped         uint64   `json:"skipped"`
	Seconds         float64  `json:"seconds"`
	CallsPerSecond  float64  `json:"calls_per_second"`
	ClientCPU       float64  `json:"client_cpu_us"`
	ServerCPU       float64  `json:"server_cpu_us"`
	P50             float64  `json:"p50_us"`
	P99             float64  `json:"p99_us"`
	BesidePerSecond *float64 `json:"beside_per_second,omitempty"`
}

func newReport(t, beside *tally, skipped uint64, s spent) report {
	seconds := s.wall.Seconds()
	r := report{
		Calls:          t.latency.total,
		Errors:         t.errors,
		Skipped:        skipped,
		Seconds:        seconds,
		CallsPerSecond: float64(t.latency.total) / seconds,
		P50:            t.latency.quantile(0.5),
		P99:            t.latency.quantile(0.99),
	}
	if r.Calls > 0 {
		each := func(cpu time.Duration) float64 { return cpu.Seconds() * 1e6 / float64(r.Calls) }
		r.ClientCPU, r.ServerCPU = each(s.client), each(s.server)
	}
	err := t.err
	if beside != nil {
		perSecond := float64(beside.latency.total) / seconds
		r.BesidePerSecond = &perSecond
		r.Errors += beside.errors
		if err == nil {
			err = beside.err
		}
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}
