package call

import "encoding/json"

// Command is a line of standard input; exactly one of the fields after ID says what is to be done.
type Command struct {
	ID json.RawMessage `json:"id,omitempty"` // anything; comes back

	Call   string  `json:"call,omitempty"`
	Steady *Steady `json:"steady,omitempty"`
	Stop   bool    `json:"stop,omitempty"`
	List   bool    `json:"list,omitempty"`
	Wait   *Wait   `json:"wait,omitempty"`
	// Update replaces a static list, written as --servers is.
	Update *string `json:"update,omitempty"`
	// Everywhere calls a method at every listed server, each by a client of its own.
	Everywhere string `json:"everywhere,omitempty"`

	// Of Call and Everywhere.
	Args json.RawMessage `json:"args,omitempty"`
	// Of Call.
	Each      []json.RawMessage `json:"each,omitempty"` // a call for each of these instead of Args
	N         int               `json:"n,omitempty"`
	Callers   int               `json:"callers,omitempty"`
	TimeoutMS int64             `json:"timeout_ms,omitempty"`
}

// Steady is load that goes on beside other commands.
type Steady struct {
	Callers   int    `json:"callers"`
	Rate      int    `json:"rate"` // calls a second by all callers; 0: each as soon as its last has ended
	Call      string `json:"call"` // Who or Work
	Millis    int64  `json:"millis"`
	Prefix    string `json:"prefix"` // of the ids of Work: prefix-0, prefix-1, …
	Seconds   int    `json:"seconds"`
	TimeoutMS int64  `json:"timeout_ms"`
}

// Wait lasts until the discovery lists so many servers.
type Wait struct {
	Count     int   `json:"count"`
	TimeoutMS int64 `json:"timeout_ms"`
}

// Result answers a command.
type Result struct {
	ID    json.RawMessage `json:"id,omitempty"`
	OK    bool            `json:"ok"`
	Error string          `json:"error,omitempty"` // why the command could not be done

	*Called     `json:",omitempty"`
	List        []Node   `json:"list,omitzero"`
	Count       *int     `json:"count,omitempty"`
	WaitedMS    *int64   `json:"waited_ms,omitempty"`
	Replies     []Answer `json:"replies,omitzero"`
	SteadyBegun bool     `json:"steady,omitempty"`
	Stopped     *Counts  `json:"stopped,omitempty"`
}

// Called is what became of the calls of a command.
type Called struct {
	Counts
	Order []string `json:"order"`           // the instance that answered, by call, or ! and the error; of the first 1,000
	Reply any      `json:"reply,omitempty"` // of the last call, if it was answered
}

// Node is a server as Go's discovery lists it.
type Node struct {
	Key            string `json:"key"`
	Metadata       string `json:"metadata"`
	MetadataBase64 []byte `json:"metadata_base64"`
}

// Answer is what one server said.
type Answer struct {
	Key   string `json:"key"`
	Reply any    `json:"reply,omitempty"`
	Error string `json:"error,omitempty"`
}

// Second is what steady load did in one second.
type Second struct {
	Second int `json:"second"`
	Counts
}
