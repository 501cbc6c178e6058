// Package message is what goes over the wire between a member of a fleet and its callers, in
// MessagePack and in JSON. Fields have their Go names in both.
package message

// Service is the path under which every member serves.
const Service = "Fleet"

// Nothing is the argument of methods that need none.
type Nothing struct{}

// Identity says who answered.
type Identity struct {
	Name     string
	PID      int
	Language string
	Rpcx     string
	// Count is how many calls of Who and Keyed this member has answered, this one included.
	Count int64
}

// Text comes back as it went.
type Text struct {
	Text string
	Data []byte
}

// Work asks for so many milliseconds of sleep, and to be remembered under its id.
type Work struct {
	ID     string
	Millis int64
}

// Refusal asks for a service error with this text, and to be remembered under its id.
type Refusal struct {
	ID   string
	Text string
}

// Worked answers Work and names who did it.
type Worked struct {
	Name string
	ID   string
	// Times is how often this member has begun that id: more than 1 is a double execution.
	Times int64
}

// Query asks for the ids that begin so.
type Query struct {
	Prefix string
}

// Executions is which ids a member has begun, and how often.
type Executions struct {
	Name  string
	Times map[string]int64
}
