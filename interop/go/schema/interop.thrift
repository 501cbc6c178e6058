// What the services of the interop peers speak in thrift (serialize type 4): structs alone in the
// binary protocol, without message envelope or framing.
//
// How a Go value maps onto these fields where thrift has no such type: unsigned integers travel in
// the next wider type, uint64 and uint as the i64 of the same bits, float32 as the double of the
// same value, [4]byte as binary, time.Time as a Time, time.Duration as nanoseconds.
// What is nil in Go is left out; what is empty is sent empty.
namespace go interop

struct Nothing {}

struct Pick {
  1: i32 variant
}

struct Blob {
  1: string text
  2: binary data
}

struct Generate {
  1: i32 textLen
  2: i32 dataLen
}

struct Time {
  1: i64 seconds // since 1970, rounded down
  2: i32 nanos   // 0 to 999999999
}

struct Inner {
  1: i64 id
  2: string label
  3: optional list<double> scores
}

// The i8, i16 and list of other schemas are words of this language: hence other names.
struct Ints {
  1: i8 s8
  2: i16 u8
  3: i16 s16
  4: i32 u16
  5: i32 s32
  6: i64 u32
  7: i64 min64
  8: i64 max64
  9: i64 u64
  10: i64 word  // Go's int
  11: i64 uword // Go's uint
}

struct Everything {
  1: i64 userId
  2: string traceId
  3: i32 shard
  4: optional Inner nilRef
  5: optional Inner setRef
  6: optional list<i32> nilList
  7: optional list<i32> numbers
  8: optional list<string> emptyList
  9: binary fixed
  10: optional binary data
  11: Time created
  12: optional map<string, i64> counts
  13: optional map<i64, string> names
  14: optional map<i64, i64> masks
  15: optional string note // left out when empty
  16: optional list<list<string>> nested
  17: optional list<Inner> items
  18: Ints ints
  19: optional list<double> f32
  20: optional list<double> f64
  21: bool flag
  22: string text
  23: string empty
  24: i64 wait
  25: string httpUrl
  26: string nickname
  27: optional i64 optInt
}

struct Made {
  1: Everything value
  2: map<string, string> fields
}

struct Checked {
  1: list<string> differ
  2: list<string> detail
}

struct Floats {
  1: list<double> f32
  2: list<double> f64
}

// A Blob of a later version: peers that know only Blob skip field 99.
struct BlobPlus {
  1: string text
  99: map<string, list<Inner>> extra
  2: binary data
}
