package thriftmsg

import (
	"context"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

// Nothing, Pick, Generate, Blob, BlobPlus, Checked and Floats are message's structs with thrift's
// reading and writing.
type (
	Nothing  message.Nothing
	Pick     message.Pick
	Generate message.Generate
	Blob     message.Blob
	BlobPlus message.BlobPlus
	Checked  message.Checked
	Floats   message.Floats
)

func (m *Nothing) Write(ctx context.Context, p thrift.TProtocol) error {
	return writeStruct(ctx, p, "Nothing", func(*writer) {})
}

func (m *Nothing) Read(ctx context.Context, p thrift.TProtocol) error {
	return readStruct(ctx, p, func(*reader, int16, thrift.TType) bool { return false })
}

func (m *Pick) Write(ctx context.Context, p thrift.TProtocol) error {
	return writeStruct(ctx, p, "Pick", func(w *writer) { w.fieldI32(1, m.Variant) })
}

func (m *Pick) Read(ctx context.Context, p thrift.TProtocol) error {
	return readStruct(ctx, p, func(r *reader, id int16, kind thrift.TType) bool {
		if id != 1 || kind != thrift.I32 {
			return false
		}
		m.Variant = r.i32()
		return true
	})
}

func (m *Generate) Write(ctx context.Context, p thrift.TProtocol) error {
	return writeStruct(ctx, p, "Generate", func(w *writer) {
		w.fieldI32(1, m.TextLen)
		w.fieldI32(2, m.DataLen)
	})
}

func (m *Generate) Read(ctx context.Context, p thrift.TProtocol) error {
	return readStruct(ctx, p, func(r *reader, id int16, kind thrift.TType) bool {
		switch {
		case id == 1 && kind == thrift.I32:
			m.TextLen = r.i32()
		case id == 2 && kind == thrift.I32:
			m.DataLen = r.i32()
		default:
			return false
		}
		return true
	})
}

func (m *Blob) Write(ctx context.Context, p thrift.TProtocol) error {
	return writeStruct(ctx, p, "Blob", func(w *writer) {
		w.fieldString(1, m.Text)
		w.fieldBinary(2, m.Data)
	})
}

func (m *Blob) Read(ctx context.Context, p thrift.TProtocol) error {
	return readStruct(ctx, p, func(r *reader, id int16, kind thrift.TType) bool {
		switch {
		case id == 1 && kind == thrift.STRING:
			m.Text = r.string()
		case id == 2 && kind == thrift.STRING:
			m.Data = r.binary()
		default:
			return false
		}
		return true
	})
}

func (m *BlobPlus) Write(ctx context.Context, p thrift.TProtocol) error {
	return writeStruct(ctx, p, "BlobPlus", func(w *writer) {
		w.fieldString(1, m.Text)
		writeMap(w, 99, thrift.STRING, thrift.LIST, m.Extra, w.string, func(items []message.Inner) {
			writeItems(w, thrift.STRUCT, items, w.inner)
		})
		w.fieldBinary(2, m.Data)
	})
}

func (m *BlobPlus) Read(ctx context.Context, p thrift.TProtocol) error {
	return readStruct(ctx, p, func(r *reader, id int16, kind thrift.TType) bool {
		switch {
		case id == 1 && kind == thrift.STRING:
			m.Text = r.string()
		case id == 2 && kind == thrift.STRING:
			m.Data = r.binary()
		case id == 99 && kind == thrift.MAP:
			m.Extra = readMap(r, r.string, func() []message.Inner { return readList(r, thrift.STRUCT, r.inner) })
		default:
			return false
		}
		return true
	})
}

func (m *Checked) Write(ctx context.Context, p thrift.TProtocol) error {
	return writeStruct(ctx, p, "Checked", func(w *writer) {
		writeList(w, 1, thrift.STRING, m.Differ, w.string)
		writeList(w, 2, thrift.STRING, m.Detail, w.string)
	})
}

func (m *Checked) Read(ctx context.Context, p thrift.TProtocol) error {
	return readStruct(ctx, p, func(r *reader, id int16, kind thrift.TType) bool {
		switch {
		case id == 1 && kind == thrift.LIST:
			m.Differ = readList(r, thrift.STRING, r.string)
		case id == 2 && kind == thrift.LIST:
			m.Detail = readList(r, thrift.STRING, r.string)
		default:
			return false
		}
		return true
	})
}

func (m *Floats) Write(ctx context.Context, p thrift.TProtocol) error {
	return writeStruct(ctx, p, "Floats", func(w *writer) {
		writeList(w, 1, thrift.DOUBLE, m.F32, w.single)
		writeList(w, 2, thrift.DOUBLE, m.F64, w.double)
	})
}

func (m *Floats) Read(ctx context.Context, p thrift.TProtocol) error {
	return readStruct(ctx, p, func(r *reader, id int16, kind thrift.TType) bool {
		switch {
		case id == 1 && kind == thrift.LIST:
			m.F32 = readList(r, thrift.DOUBLE, r.single)
		case id == 2 && kind == thrift.LIST:
			m.F64 = readList(r, thrift.DOUBLE, r.double)
		default:
			return false
		}
		return true
	})
}
