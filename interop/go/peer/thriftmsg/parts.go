package thriftmsg

import (
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

func nanoseconds(n int64) time.Duration { return time.Duration(n) }

func (w *writer) single(v float32) { w.double(float64(v)) }
func (r *reader) single() float32  { return float32(r.double()) }

func (w *writer) time(t time.Time) {
	w.structure("Time", func() {
		w.fieldI64(1, t.Unix())
		w.fieldI32(2, int32(t.Nanosecond()))
	})
}

func (r *reader) time() time.Time {
	var seconds int64
	var nanos int32
	r.structure(func(id int16, kind thrift.TType) bool {
		switch {
		case id == 1 && kind == thrift.I64:
			seconds = r.i64()
		case id == 2 && kind == thrift.I32:
			nanos = r.i32()
		default:
			return false
		}
		return true
	})
	return time.Unix(seconds, int64(nanos)).UTC()
}

func (w *writer) inner(m message.Inner) {
	w.structure("Inner", func() {
		w.fieldI64(1, m.ID)
		w.fieldString(2, m.Label)
		if m.Scores != nil {
			writeList(w, 3, thrift.DOUBLE, m.Scores, w.double)
		}
	})
}

func (r *reader) inner() message.Inner {
	var m message.Inner
	r.structure(func(id int16, kind thrift.TType) bool {
		switch {
		case id == 1 && kind == thrift.I64:
			m.ID = r.i64()
		case id == 2 && kind == thrift.STRING:
			m.Label = r.string()
		case id == 3 && kind == thrift.LIST:
			m.Scores = readList(r, thrift.DOUBLE, r.double)
		default:
			return false
		}
		return true
	})
	return m
}

func (w *writer) ints(m *message.Ints) {
	w.structure("Ints", func() {
		w.fieldI8(1, m.I8)
		w.fieldI16(2, int16(m.U8))
		w.fieldI16(3, m.I16)
		w.fieldI32(4, int32(m.U16))
		w.fieldI32(5, m.I32)
		w.fieldI64(6, int64(m.U32))
		w.fieldI64(7, m.Min64)
		w.fieldI64(8, m.Max64)
		w.fieldI64(9, int64(m.U64))
		w.fieldI64(10, int64(m.Int))
		w.fieldI64(11, int64(m.Uint))
	})
}

func (r *reader) ints() message.Ints {
	var m message.Ints
	r.structure(func(id int16, kind thrift.TType) bool {
		switch {
		case id == 1 && kind == thrift.BYTE:
			m.I8 = r.i8()
		case id == 2 && kind == thrift.I16:
			m.U8 = uint8(r.i16())
		case id == 3 && kind == thrift.I16:
			m.I16 = r.i16()
		case id == 4 && kind == thrift.I32:
			m.U16 = uint16(r.i32())
		case id == 5 && kind == thrift.I32:
			m.I32 = r.i32()
		case id == 6 && kind == thrift.I64:
			m.U32 = uint32(r.i64())
		case id == 7 && kind == thrift.I64:
			m.Min64 = r.i64()
		case id == 8 && kind == thrift.I64:
			m.Max64 = r.i64()
		case id == 9 && kind == thrift.I64:
			m.U64 = uint64(r.i64())
		case id == 10 && kind == thrift.I64:
			m.Int = int(r.i64())
		case id == 11 && kind == thrift.I64:
			m.Uint = uint(r.i64())
		default:
			return false
		}
		return true
	})
	return m
}
