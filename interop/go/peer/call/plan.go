package call

import "github.com/trunkline-rpc/trunkline/interop/go/peer/message"

// Step is one line of the case list: a command to give, or what is left out and why.
type Step struct {
	Case          string `json:"case"`
	Codec         string `json:"codec"`
	Gzip          bool   `json:"gzip"`
	Size          int    `json:"size"`
	Variant       int    `json:"variant"`
	NotApplicable string `json:"not_applicable,omitempty"`
}

// Command gives the step's command.
func (s Step) Command() Command {
	return Command{Case: s.Case, Codec: s.Codec, Gzip: s.Gzip, Size: s.Size, Variant: s.Variant}
}

var cases = map[string]kase{
	"call":              callCase,
	"error":             errorCase,
	"metadata":          metadataCase,
	"generate":          generateCase,
	"everything_echo":   everythingEcho,
	"everything_make":   everythingMake,
	"everything_check":  everythingCheck,
	"floats":            floatsCase,
	"functions":         functionsCase,
	"unknown_fields":    unknownFields,
	"unknown_service":   unknownService,
	"unknown_method":    unknownMethod,
	"unknown_codec":     unknownCodec,
	"bad_args":          badArgs,
	"array_struct":      arrayStruct,
	"json_loose":        jsonLoose,
	"torn_frames":       tornFrames,
	"panic":             panicCase,
	"rich_error":        richError,
	"oneway":            onewayCase,
	"heartbeat":         heartbeatCase,
	"heartbeat_frame":   heartbeatFrame,
	"push":              pushCase,
	"many":              manyCase,
	"caller_gone":       callerGone,
	"deadline":          deadlineCase,
	"deadline_passed":   deadlinePassed,
	"deadline_enforced": deadlineEnforced,
	"auth":              authCase,
	"loop":              loopCase,
}

// The cases that are not in the list: those that a session keeps something for, and the one that needs certificates.
func init() {
	cases["tls"] = tlsCase
	cases["loop_start"] = loopStart
	cases["loop_stop"] = loopStop
	cases["loop_wait"] = loopWait
}

// The codecs by serialize type; the first has no structs.
var codecs = []string{"raw", "json", "protobuf", "msgpack", "thrift"}

// Plan is the case list, for both directions.
func Plan() []Step {
	var plan []Step
	add := func(s Step) { plan = append(plan, s) }
	// Below, at and above the length from which payloads are compressed, and large.
	sizes := []int{100, threshold, threshold + 1, 20_000, 1 << 20}

	for _, name := range []string{"call", "error", "metadata"} {
		for _, codec := range codecs {
			for _, gzip := range []bool{false, true} {
				for _, size := range sizes {
					add(Step{Case: name, Codec: codec, Gzip: gzip, Size: size})
				}
			}
		}
	}
	for _, codec := range codecs {
		add(Step{Case: "generate", Codec: codec, Gzip: true})
	}
	for _, name := range []string{"everything_echo", "everything_make", "everything_check"} {
		add(Step{Case: name, Codec: "raw", NotApplicable: "raw carries bytes, it has no structs"})
		for _, codec := range codecs[1:] {
			for _, gzip := range []bool{false, true} {
				for variant := range message.Variants {
					add(Step{Case: name, Codec: codec, Gzip: gzip, Variant: variant})
				}
			}
		}
	}
	reasons := map[string]map[string]string{
		"floats": {
			"raw":  "raw carries bytes, it has no structs",
			"json": "JSON has no NaN and no infinities: Go's encoder refuses them",
		},
		"functions": {
			"raw":      "the functions take numbers, text, lists and maps; InteropRaw stands for bytes",
			"protobuf": "protobuf carries messages only",
			"thrift":   "thrift carries structs only",
		},
		"unknown_fields": {"raw": "raw carries bytes, it has no fields"},
		"bad_args":       {"raw": "raw takes any bytes"},
		"array_struct": {
			"raw": "only MessagePack has structs as arrays", "json": "only MessagePack has structs as arrays",
			"protobuf": "only MessagePack has structs as arrays", "thrift": "only MessagePack has structs as arrays",
		},
		"json_loose": {
			"raw": "about JSON", "protobuf": "about JSON", "msgpack": "about JSON", "thrift": "about JSON",
		},
	}
	for _, name := range []string{"floats", "functions", "unknown_fields", "bad_args", "array_struct", "json_loose", "torn_frames", "unknown_service", "unknown_method"} {
		for _, codec := range codecs {
			add(Step{Case: name, Codec: codec, NotApplicable: reasons[name][codec]})
		}
	}
	for _, name := range []string{"unknown_codec", "panic", "rich_error", "oneway", "heartbeat", "heartbeat_frame", "push", "many", "caller_gone", "deadline", "deadline_passed", "deadline_enforced", "auth", "loop"} {
		for _, codec := range []string{"json", "msgpack"} {
			add(Step{Case: name, Codec: codec})
		}
	}
	add(Step{Case: "many", Codec: "msgpack", Gzip: true, NotApplicable: "rpcx's gzip corrupts payloads that are compressed in parallel: a pooled buffer is handed back while its bytes are still used"})
	return plan
}
