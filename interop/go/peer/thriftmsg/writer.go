// Package thriftmsg carries the messages of package message as thrift structs, written by hand to
// schema/interop.thrift.
package thriftmsg

import (
	"context"

	"github.com/apache/thrift/lib/go/thrift"
)

// writer writes fields until the first error and keeps that error.
type writer struct {
	ctx context.Context
	p   thrift.TProtocol
	err error
}

// writeStruct writes a whole struct, its fields by body.
func writeStruct(ctx context.Context, p thrift.TProtocol, name string, body func(w *writer)) error {
	w := &writer{ctx: ctx, p: p}
	w.structure(name, func() { body(w) })
	return w.err
}

func (w *writer) do(step func() error) {
	if w.err == nil {
		w.err = step()
	}
}

func (w *writer) structure(name string, body func()) {
	w.do(func() error { return w.p.WriteStructBegin(w.ctx, name) })
	body()
	w.do(func() error { return w.p.WriteFieldStop(w.ctx) })
	w.do(func() error { return w.p.WriteStructEnd(w.ctx) })
}

func (w *writer) field(id int16, kind thrift.TType, body func()) {
	w.do(func() error { return w.p.WriteFieldBegin(w.ctx, "", kind, id) })
	body()
	w.do(func() error { return w.p.WriteFieldEnd(w.ctx) })
}

func (w *writer) bool(v bool)      { w.do(func() error { return w.p.WriteBool(w.ctx, v) }) }
func (w *writer) i8(v int8)        { w.do(func() error { return w.p.WriteByte(w.ctx, v) }) }
func (w *writer) i16(v int16)      { w.do(func() error { return w.p.WriteI16(w.ctx, v) }) }
func (w *writer) i32(v int32)      { w.do(func() error { return w.p.WriteI32(w.ctx, v) }) }
func (w *writer) i64(v int64)      { w.do(func() error { return w.p.WriteI64(w.ctx, v) }) }
func (w *writer) double(v float64) { w.do(func() error { return w.p.WriteDouble(w.ctx, v) }) }
func (w *writer) string(v string)  { w.do(func() error { return w.p.WriteString(w.ctx, v) }) }
func (w *writer) binary(v []byte)  { w.do(func() error { return w.p.WriteBinary(w.ctx, v) }) }

func (w *writer) fieldBool(id int16, v bool) { w.field(id, thrift.BOOL, func() { w.bool(v) }) }
func (w *writer) fieldI8(id int16, v int8)   { w.field(id, thrift.BYTE, func() { w.i8(v) }) }
func (w *writer) fieldI16(id int16, v int16) { w.field(id, thrift.I16, func() { w.i16(v) }) }
func (w *writer) fieldI32(id int16, v int32) { w.field(id, thrift.I32, func() { w.i32(v) }) }
func (w *writer) fieldI64(id int16, v int64) { w.field(id, thrift.I64, func() { w.i64(v) }) }
func (w *writer) fieldString(id int16, v string) {
	w.field(id, thrift.STRING, func() { w.string(v) })
}
func (w *writer) fieldBinary(id int16, v []byte) {
	w.field(id, thrift.STRING, func() { w.binary(v) })
}

// writeList writes a field that holds a list.
func writeList[T any](w *writer, id int16, kind thrift.TType, items []T, each func(T)) {
	w.field(id, thrift.LIST, func() { writeItems(w, kind, items, each) })
}

func writeItems[T any](w *writer, kind thrift.TType, items []T, each func(T)) {
	w.do(func() error { return w.p.WriteListBegin(w.ctx, kind, len(items)) })
	for _, item := range items {
		each(item)
	}
	w.do(func() error { return w.p.WriteListEnd(w.ctx) })
}

// writeMap writes a field that holds a map.
func writeMap[K comparable, V any](w *writer, id int16, keys, values thrift.TType, entries map[K]V, key func(K), value func(V)) {
	w.field(id, thrift.MAP, func() {
		w.do(func() error { return w.p.WriteMapBegin(w.ctx, keys, values, len(entries)) })
		for k, v := range entries {
			key(k)
			value(v)
		}
		w.do(func() error { return w.p.WriteMapEnd(w.ctx) })
	})
}
