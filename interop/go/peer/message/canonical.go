package message

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"time"
)

// Canonical turns a value into what JSON can say without loss and in one way only:
//
//   - booleans and text as they are; integers and durations (nanoseconds) as decimal text;
//   - floats as their bits in lower-case hex (8 digits for float32, 16 for float64), any NaN as "nan";
//   - bytes and byte arrays as lower-case hex; times as "seconds.nanoseconds" since 1970, the
//     seconds rounded down and the nanoseconds in nine digits;
//   - lists as lists, maps and structs as objects (keys: text or decimal text; Go's field names,
//     embedded structs flattened); nil as null.
//
// With loose, nil lists, maps and bytes count as empty: some codecs cannot tell them apart.
func Canonical(value any, loose bool) any {
	return canonical(reflect.ValueOf(value), loose)
}

// Fields gives the canonical JSON of every field, embedded ones by their own names.
func Fields(value *Everything, loose bool) map[string]string {
	fields := make(map[string]string)
	for name, field := range Canonical(*value, loose).(map[string]any) {
		text, err := json.Marshal(field)
		if err != nil {
			panic(fmt.Sprintf("canonical values are made of text, lists and maps: %v", err))
		}
		fields[name] = string(text)
	}
	return fields
}

// Compare names the fields of a value in which it differs from what was expected.
func Compare(got, expected *Everything, loose bool) Checked {
	gotFields, expectedFields := Fields(got, loose), Fields(expected, loose)
	checked := Checked{Differ: []string{}, Detail: []string{}}
	for name := range expectedFields {
		if gotFields[name] != expectedFields[name] {
			checked.Differ = append(checked.Differ, name)
		}
	}
	sort.Strings(checked.Differ)
	for _, name := range checked.Differ {
		checked.Detail = append(checked.Detail, fmt.Sprintf("%s: got %s, expected %s", name, gotFields[name], expectedFields[name]))
	}
	return checked
}

// Check compares a value with the variant that it says it is.
func Check(got *Everything, loose bool) Checked {
	expected, found := Alike(got.UserID)
	if !found {
		return Checked{
			Differ: []string{"UserID"},
			Detail: []string{fmt.Sprintf("UserID: got %d, which no variant has", got.UserID)},
		}
	}
	return Compare(got, expected, loose)
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
)

func canonical(v reflect.Value, loose bool) any {
	switch v.Type() {
	case timeType:
		t := v.Interface().(time.Time)
		return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())
	case durationType:
		return decimal(v.Int())
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.String:
		return v.String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return decimal(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Float32:
		if math.IsNaN(v.Float()) {
			return "nan"
		}
		return fmt.Sprintf("%08x", math.Float32bits(float32(v.Float())))
	case reflect.Float64:
		if math.IsNaN(v.Float()) {
			return "nan"
		}
		return fmt.Sprintf("%016x", math.Float64bits(v.Float()))
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return canonical(v.Elem(), loose)
	case reflect.Slice:
		if v.IsNil() && !loose {
			return nil
		}
		return list(v, loose)
	case reflect.Array:
		return list(v, loose)
	case reflect.Map:
		if v.IsNil() && !loose {
			return nil
		}
		object := make(map[string]any, v.Len())
		for entries := v.MapRange(); entries.Next(); {
			object[canonical(entries.Key(), loose).(string)] = canonical(entries.Value(), loose)
		}
		return object
	case reflect.Struct:
		object := make(map[string]any, v.NumField())
		for i := range v.NumField() {
			field := canonical(v.Field(i), loose)
			if v.Type().Field(i).Anonymous {
				for name, inner := range field.(map[string]any) {
					object[name] = inner
				}
				continue
			}
			object[v.Type().Field(i).Name] = field
		}
		return object
	default:
		panic(fmt.Sprintf("no message has a field of type %s", v.Type()))
	}
}

func list(v reflect.Value, loose bool) any {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		bytes := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(bytes), v)
		return hex.EncodeToString(bytes)
	}
	items := make([]any, 0, v.Len())
	for i := range v.Len() {
		items = append(items, canonical(v.Index(i), loose))
	}
	return items
}

func decimal(n int64) string {
	return strconv.FormatInt(n, 10)
}
