package message

import (
	"fmt"
	"math"
	"time"
)

// Variants is how many values of Everything there are; they are numbered from 0.
const Variants = 3

// Make returns a variant: 0 has nothing set, 1 has the extremes, 2 has plenty of everything (more
// than 1024 bytes in each codec). A number out of range is an error.
func Make(variant int) (*Everything, error) {
	switch variant {
	case 0:
		return &Everything{}, nil
	case 1:
		return extremes(), nil
	case 2:
		return plenty(), nil
	default:
		return nil, fmt.Errorf("interop: there is no variant %d of Everything, expected 0 to %d", variant, Variants-1)
	}
}

// Alike returns the variant that has this UserID: each variant has its own.
func Alike(userID int64) (*Everything, bool) {
	for variant := range Variants {
		if value, err := Make(variant); err == nil && value.UserID == userID {
			return value, true
		}
	}
	return nil, false
}

func extremes() *Everything {
	opt := int64(-1)
	return &Everything{
		UserID:    1<<53 + 1,
		Base:      Base{TraceID: "trace-ß-1", Shard: math.MaxUint16},
		SetRef:    &Inner{ID: math.MinInt64, Label: "set", Scores: []float64{0.1, -2.5}},
		List:      []int32{0, -1, math.MinInt32, math.MaxInt32},
		EmptyList: []string{},
		Fixed:     [4]byte{0, 127, 128, 255},
		Data:      []byte{0, 1, 0xfe, 0xff, 0xc0, 0x80},
		Created:   time.Date(2026, 3, 1, 12, 34, 56, 789012345, time.UTC),
		Counts:    map[string]int{"": 0, "one": 1, "minus": -1, "größe": math.MaxInt64},
		Names:     map[int64]string{math.MinInt64: "min", -1: "minus one", 0: "", math.MaxInt64: "max"},
		Masks:     map[uint32]uint64{0: 0, math.MaxUint32: math.MaxUint64},
		Nested:    [][]string{{"a", ""}, {}, {"β", "<&>\u2028"}},
		Items:     []Inner{{}, {ID: 7, Label: "seven", Scores: []float64{}}},
		Ints: Ints{
			I8: math.MinInt8, U8: math.MaxUint8, I16: math.MinInt16, U16: math.MaxUint16,
			I32: math.MinInt32, U32: math.MaxUint32, Min64: math.MinInt64, Max64: math.MaxInt64,
			U64: math.MaxUint64, Int: -129, Uint: 1 << 32,
		},
		F32:      []float32{0, float32(math.Copysign(0, -1)), 0.1, math.MaxFloat32, math.SmallestNonzeroFloat32},
		F64:      []float64{0, math.Copysign(0, -1), 0.1, math.MaxFloat64, math.SmallestNonzeroFloat64, -1e21, 1e-7},
		Flag:     true,
		Text:     "Grüße, 世界, \U0001f680, e\u0301, \"quoted\\\", tab\tnul\x00end",
		Wait:     -1500 * time.Millisecond,
		HTTPURL:  "http://example.test/?a=1&b=<2>",
		Nickname: "nick",
		OptInt:   &opt,
	}
}

func plenty() *Everything {
	value := extremes()
	value.UserID = -42
	value.NilRef = &Inner{ID: 1, Label: "no longer nil"}
	value.NilList = []int32{1}
	// Before 1970 and before 1901, with a fraction: seconds are negative, nanoseconds never are.
	value.Created = time.Date(1900, 12, 31, 23, 59, 59, 1, time.UTC)
	value.Note = "present"
	value.EmptyList = []string{"", "x"}
	value.List = nil
	for i := range int32(300) {
		value.List = append(value.List, i*i*i-1000)
	}
	value.Data = Bytes(1200)
	value.Text = Text(700)
	for i := range 40 {
		value.Items = append(value.Items, Inner{ID: int64(i) << i, Label: Text(i), Scores: []float64{float64(i) / 3}})
		value.Counts[fmt.Sprintf("key-%d", i)] = i * 1000
		value.Names[int64(i)*1_000_003] = Text(i)
	}
	// Small numbers in wide types, and each width's first value that needs it.
	value.Ints = Ints{I8: 1, U8: 128, I16: 128, U16: 256, I32: 1 << 15, U32: 1 << 16, Min64: -129, Max64: 5, U64: 1 << 63, Int: 1 << 31, Uint: 7}
	value.Wait = math.MaxInt64
	return value
}
