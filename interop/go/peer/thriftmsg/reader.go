package thriftmsg

import (
	"context"
	"fmt"

	"github.com/apache/thrift/lib/go/thrift"
)

// reader reads fields until the first error and keeps that error.
type reader struct {
	ctx context.Context
	p   thrift.TProtocol
	err error
}

// readStruct reads a whole struct. each reads the field of an id, or says that it does not know
// it; fields that are unknown, or that came in another type, are skipped.
func readStruct(ctx context.Context, p thrift.TProtocol, each func(r *reader, id int16, kind thrift.TType) bool) error {
	r := &reader{ctx: ctx, p: p}
	r.structure(func(id int16, kind thrift.TType) bool { return each(r, id, kind) })
	return r.err
}

func (r *reader) structure(each func(id int16, kind thrift.TType) bool) {
	get(r, func(ctx context.Context) (string, error) { return r.p.ReadStructBegin(ctx) })
	for r.err == nil {
		_, kind, id, err := r.p.ReadFieldBegin(r.ctx)
		if err != nil {
			r.err = err
			return
		}
		if kind == thrift.STOP {
			break
		}
		if !each(id, kind) && r.err == nil {
			r.err = r.p.Skip(r.ctx, kind)
		}
		if r.err == nil {
			r.err = r.p.ReadFieldEnd(r.ctx)
		}
	}
	if r.err == nil {
		r.err = r.p.ReadStructEnd(r.ctx)
	}
}

func get[T any](r *reader, read func(context.Context) (T, error)) T {
	var value T
	if r.err == nil {
		value, r.err = read(r.ctx)
	}
	return value
}

func (r *reader) bool() bool      { return get(r, r.p.ReadBool) }
func (r *reader) i8() int8        { return get(r, r.p.ReadByte) }
func (r *reader) i16() int16      { return get(r, r.p.ReadI16) }
func (r *reader) i32() int32      { return get(r, r.p.ReadI32) }
func (r *reader) i64() int64      { return get(r, r.p.ReadI64) }
func (r *reader) double() float64 { return get(r, r.p.ReadDouble) }
func (r *reader) string() string  { return get(r, r.p.ReadString) }
func (r *reader) binary() []byte {
	value := get(r, r.p.ReadBinary)
	if value == nil {
		value = []byte{}
	}
	return value
}

// readList reads a list; an empty one is not nil.
func readList[T any](r *reader, kind thrift.TType, each func() T) []T {
	items := []T{}
	if r.err != nil {
		return items
	}
	got, size, err := r.p.ReadListBegin(r.ctx)
	if err == nil && got != kind && size > 0 {
		err = fmt.Errorf("list of %s, expected %s", got, kind)
	}
	r.err = err
	for i := 0; i < size && r.err == nil; i++ {
		items = append(items, each())
	}
	if r.err == nil {
		r.err = r.p.ReadListEnd(r.ctx)
	}
	return items
}

// readMap reads a map; an empty one is not nil.
func readMap[K comparable, V any](r *reader, key func() K, value func() V) map[K]V {
	entries := map[K]V{}
	if r.err != nil {
		return entries
	}
	_, _, size, err := r.p.ReadMapBegin(r.ctx)
	r.err = err
	for i := 0; i < size && r.err == nil; i++ {
		k := key()
		entries[k] = value()
	}
	if r.err == nil {
		r.err = r.p.ReadMapEnd(r.ctx)
	}
	return entries
}
