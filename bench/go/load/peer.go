// Package load is the load generator of the Go peers. It does what the Rust one does, with goroutines for tasks,
// takes the same flags and prints the same report.
package load

import "bench/pb"

// Peer is a framework's client: one handle with several connections.
type Peer interface {
	Say(connection int, message *pb.BenchmarkMessage) (*pb.BenchmarkMessage, error)
	Echo(connection int, payload []byte) ([]byte, error)
	Burn(connection int, millis uint32) error
}
