package thriftmsg

import (
	"context"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

// Everything is message.Everything as a thrift struct.
type Everything struct {
	message.Everything
}

// Made is message.Made as a thrift struct.
type Made struct {
	Value  Everything
	Fields map[string]string
}

func (m *Everything) Write(ctx context.Context, p thrift.TProtocol) error {
	return writeStruct(ctx, p, "Everything", func(w *writer) { w.everything(&m.Everything) })
}

func (m *Everything) Read(ctx context.Context, p thrift.TProtocol) error {
	return readStruct(ctx, p, func(r *reader, id int16, kind thrift.TType) bool {
		return r.everything(&m.Everything, id, kind)
	})
}

func (m *Made) Write(ctx context.Context, p thrift.TProtocol) error {
	return writeStruct(ctx, p, "Made", func(w *writer) {
		w.field(1, thrift.STRUCT, func() {
			w.structure("Everything", func() { w.everything(&m.Value.Everything) })
		})
		writeMap(w, 2, thrift.STRING, thrift.STRING, m.Fields, w.string, w.string)
	})
}

func (m *Made) Read(ctx context.Context, p thrift.TProtocol) error {
	return readStruct(ctx, p, func(r *reader, id int16, kind thrift.TType) bool {
		switch {
		case id == 1 && kind == thrift.STRUCT:
			r.structure(func(id int16, kind thrift.TType) bool {
				return r.everything(&m.Value.Everything, id, kind)
			})
		case id == 2 && kind == thrift.MAP:
			m.Fields = readMap(r, r.string, r.string)
		default:
			return false
		}
		return true
	})
}

func (w *writer) everything(m *message.Everything) {
	w.fieldI64(1, m.UserID)
	w.fieldString(2, m.TraceID)
	w.fieldI32(3, int32(m.Shard))
	if m.NilRef != nil {
		w.field(4, thrift.STRUCT, func() { w.inner(*m.NilRef) })
	}
	if m.SetRef != nil {
		w.field(5, thrift.STRUCT, func() { w.inner(*m.SetRef) })
	}
	if m.NilList != nil {
		writeList(w, 6, thrift.I32, m.NilList, w.i32)
	}
	if m.List != nil {
		writeList(w, 7, thrift.I32, m.List, w.i32)
	}
	if m.EmptyList != nil {
		writeList(w, 8, thrift.STRING, m.EmptyList, w.string)
	}
	w.fieldBinary(9, m.Fixed[:])
	if m.Data != nil {
		w.fieldBinary(10, m.Data)
	}
	w.field(11, thrift.STRUCT, func() { w.time(m.Created) })
	if m.Counts != nil {
		writeMap(w, 12, thrift.STRING, thrift.I64, m.Counts, w.string, func(n int) { w.i64(int64(n)) })
	}
	if m.Names != nil {
		writeMap(w, 13, thrift.I64, thrift.STRING, m.Names, w.i64, w.string)
	}
	if m.Masks != nil {
		writeMap(w, 14, thrift.I64, thrift.I64, m.Masks,
			func(k uint32) { w.i64(int64(k)) }, func(v uint64) { w.i64(int64(v)) })
	}
	if m.Note != "" {
		w.fieldString(15, m.Note)
	}
	if m.Nested != nil {
		writeList(w, 16, thrift.LIST, m.Nested, func(inner []string) { writeItems(w, thrift.STRING, inner, w.string) })
	}
	if m.Items != nil {
		writeList(w, 17, thrift.STRUCT, m.Items, w.inner)
	}
	w.field(18, thrift.STRUCT, func() { w.ints(&m.Ints) })
	if m.F32 != nil {
		writeList(w, 19, thrift.DOUBLE, m.F32, w.single)
	}
	if m.F64 != nil {
		writeList(w, 20, thrift.DOUBLE, m.F64, w.double)
	}
	w.fieldBool(21, m.Flag)
	w.fieldString(22, m.Text)
	w.fieldString(23, m.Empty)
	w.fieldI64(24, int64(m.Wait))
	w.fieldString(25, m.HTTPURL)
	w.fieldString(26, m.Nickname)
	if m.OptInt != nil {
		w.fieldI64(27, *m.OptInt)
	}
}

// everythingKinds says in which type each field of Everything travels.
var everythingKinds = map[int16]thrift.TType{
	1: thrift.I64, 2: thrift.STRING, 3: thrift.I32, 4: thrift.STRUCT, 5: thrift.STRUCT,
	6: thrift.LIST, 7: thrift.LIST, 8: thrift.LIST, 9: thrift.STRING, 10: thrift.STRING,
	11: thrift.STRUCT, 12: thrift.MAP, 13: thrift.MAP, 14: thrift.MAP, 15: thrift.STRING,
	16: thrift.LIST, 17: thrift.LIST, 18: thrift.STRUCT, 19: thrift.LIST, 20: thrift.LIST,
	21: thrift.BOOL, 22: thrift.STRING, 23: thrift.STRING, 24: thrift.I64, 25: thrift.STRING,
	26: thrift.STRING, 27: thrift.I64,
}

func (r *reader) everything(m *message.Everything, id int16, kind thrift.TType) bool {
	if everythingKinds[id] != kind {
		return false
	}
	switch id {
	case 1:
		m.UserID = r.i64()
	case 2:
		m.TraceID = r.string()
	case 3:
		m.Shard = uint16(r.i32())
	case 4:
		inner := r.inner()
		m.NilRef = &inner
	case 5:
		inner := r.inner()
		m.SetRef = &inner
	case 6:
		m.NilList = readList(r, thrift.I32, r.i32)
	case 7:
		m.List = readList(r, thrift.I32, r.i32)
	case 8:
		m.EmptyList = readList(r, thrift.STRING, r.string)
	case 9:
		copy(m.Fixed[:], r.binary())
	case 10:
		m.Data = r.binary()
	case 11:
		m.Created = r.time()
	case 12:
		m.Counts = readMap(r, r.string, func() int { return int(r.i64()) })
	case 13:
		m.Names = readMap(r, r.i64, r.string)
	case 14:
		m.Masks = readMap(r, func() uint32 { return uint32(r.i64()) }, func() uint64 { return uint64(r.i64()) })
	case 15:
		m.Note = r.string()
	case 16:
		m.Nested = readList(r, thrift.LIST, func() []string { return readList(r, thrift.STRING, r.string) })
	case 17:
		m.Items = readList(r, thrift.STRUCT, r.inner)
	case 18:
		m.Ints = r.ints()
	case 19:
		m.F32 = readList(r, thrift.DOUBLE, r.single)
	case 20:
		m.F64 = readList(r, thrift.DOUBLE, r.double)
	case 21:
		m.Flag = r.bool()
	case 22:
		m.Text = r.string()
	case 23:
		m.Empty = r.string()
	case 24:
		m.Wait = nanoseconds(r.i64())
	case 25:
		m.HTTPURL = r.string()
	case 26:
		m.Nickname = r.string()
	case 27:
		opt := r.i64()
		m.OptInt = &opt
	}
	return true
}
