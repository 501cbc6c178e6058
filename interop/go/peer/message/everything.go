// Package message holds what the peers say to one another in JSON and MessagePack, the values
// that they compare, and the rules by which they compare them.
package message

import "time"

// Everything has a field for every shape of value that is known to be hard to carry between Go
// and another language. Its wire names are Go's field names unless a tag says otherwise.
type Everything struct {
	UserID int64 // above 2^53 in one variant: lost where numbers travel as floats
	Base         // flattened: TraceID and Shard travel as fields of Everything

	NilRef    *Inner
	SetRef    *Inner
	NilList   []int32
	List      []int32
	EmptyList []string // empty, not nil
	Fixed     [4]byte  // JSON: a list of numbers; MessagePack: bin
	Data      []byte   // JSON: base64; MessagePack: bin
	Created   time.Time
	Counts    map[string]int
	Names     map[int64]string // JSON: keys are text
	Masks     map[uint32]uint64
	Note      string `json:",omitempty" msgpack:",omitempty"`
	Nested    [][]string
	Items     []Inner
	Ints      Ints
	F32       []float32
	F64       []float64
	Flag      bool
	Text      string
	Empty     string
	Wait      time.Duration // nanoseconds
	HTTPURL   string
	Nickname  string `json:"nick_name" msgpack:"Nick"` // one name per codec
	OptInt    *int64
}

// Base is embedded in Everything.
type Base struct {
	TraceID string
	Shard   uint16
}

// Inner is a struct inside of another.
type Inner struct {
	ID     int64
	Label  string
	Scores []float64
}

// Ints has every integer type of Go.
type Ints struct {
	I8    int8
	U8    uint8
	I16   int16
	U16   uint16
	I32   int32
	U32   uint32
	Min64 int64
	Max64 int64
	U64   uint64
	Int   int
	Uint  uint
}
