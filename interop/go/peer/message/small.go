package message

// Nothing is the argument or reply of methods that have none.
type Nothing struct{}

// Pick names a variant of Everything.
type Pick struct {
	Variant int32
}

// Made is a variant of Everything together with what its fields hold, as canonical JSON.
type Made struct {
	Value  Everything
	Fields map[string]string
}

// Checked names the fields in which a value differs from the variant it should be.
type Checked struct {
	Differ []string
	Detail []string // a line for each: the name, what came and what was expected
}

// Blob is a payload of any size.
type Blob struct {
	Text string
	Data []byte
}

// BlobPlus is a Blob of a later version: peers that know only Blob skip Extra.
type BlobPlus struct {
	Text  string
	Extra map[string][]Inner
	Data  []byte
}

// Generate asks for a Blob of Text(TextLen) and Bytes(DataLen).
type Generate struct {
	TextLen int32
	DataLen int32
}

// Sleep asks for an answer after so many milliseconds.
type Sleep struct {
	ID     int64
	Millis int64
}

// Slept answers Sleep.
type Slept struct {
	ID int64
}

// Hit adds to a counter.
type Hit struct {
	Key string
	Add int64
}

// Total is what a counter stands at.
type Total struct {
	Total int64
}

// Linger asks a handler to stay, and to count under Key+".started" when it begins and under
// Key+".finished" or Key+".cancelled" when it ends.
type Linger struct {
	Key    string
	Millis int64
}

// Push asks the server to push Times frames over the caller's connection before it answers.
type Push struct {
	Times int32
	Text  string
}

// Pushed answers Push.
type Pushed struct {
	Sent int32
}

// DeadlineSeen is what a handler can tell about its caller's deadline.
type DeadlineSeen struct {
	Present bool
	Millis  int64  // what is left of it
	Raw     string // __ServerTimeout as it came
}

// Rich asks for an error with everything that travels beside its text.
type Rich struct {
	Text             string
	Kind             string
	Code             string
	Details          string // JSON
	NotStarted       bool
	HasRetryAfter    bool
	RetryAfterMillis int64
}

// Floats are numbers that are not numbers, and their kin.
type Floats struct {
	F32 []float32
	F64 []float64
}
