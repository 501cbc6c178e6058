package pb

// Request is the message that callers send: every field filled, 581 bytes encoded.
func Request() *BenchmarkMessage {
	return &BenchmarkMessage{
		Field1:   text,
		Field2:   number,
		Field3:   number,
		Field4:   text,
		Field6:   number,
		Field7:   text,
		Field9:   text,
		Field12:  true,
		Field13:  true,
		Field14:  true,
		Field16:  number,
		Field17:  true,
		Field18:  text,
		Field22:  number,
		Field23:  number,
		Field24:  true,
		Field25:  number,
		Field29:  number,
		Field30:  true,
		Field59:  true,
		Field60:  number,
		Field67:  number,
		Field68:  number,
		Field78:  true,
		Field80:  true,
		Field81:  true,
		Field100: number,
		Field101: number,
		Field102: text,
		Field103: text,
		Field104: number,
		Field128: number,
		Field129: text,
		Field130: number,
		Field131: number,
		Field150: number,
		Field271: number,
		Field272: number,
		Field280: number,
	}
}

// Answer makes the reply from a request: the same but for one text and one number.
// Field by field, because a message must not be copied as a whole.
func Answer(request, reply *BenchmarkMessage) {
	reply.Field3 = request.Field3
	reply.Field4 = request.Field4
	reply.Field5 = request.Field5
	reply.Field6 = request.Field6
	reply.Field7 = request.Field7
	reply.Field9 = request.Field9
	reply.Field12 = request.Field12
	reply.Field13 = request.Field13
	reply.Field14 = request.Field14
	reply.Field16 = request.Field16
	reply.Field17 = request.Field17
	reply.Field18 = request.Field18
	reply.Field22 = request.Field22
	reply.Field23 = request.Field23
	reply.Field24 = request.Field24
	reply.Field25 = request.Field25
	reply.Field29 = request.Field29
	reply.Field30 = request.Field30
	reply.Field59 = request.Field59
	reply.Field60 = request.Field60
	reply.Field67 = request.Field67
	reply.Field68 = request.Field68
	reply.Field78 = request.Field78
	reply.Field80 = request.Field80
	reply.Field81 = request.Field81
	reply.Field100 = request.Field100
	reply.Field101 = request.Field101
	reply.Field102 = request.Field102
	reply.Field103 = request.Field103
	reply.Field104 = request.Field104
	reply.Field128 = request.Field128
	reply.Field129 = request.Field129
	reply.Field130 = request.Field130
	reply.Field131 = request.Field131
	reply.Field150 = request.Field150
	reply.Field271 = request.Field271
	reply.Field272 = request.Field272
	reply.Field280 = request.Field280
	reply.Field1 = "OK"
	reply.Field2 = 100
}

const (
	// text is eighteen characters of three bytes.
	text = "一二三四五六七八九十百千万億兆京垓秭"
	// number takes three bytes as a varint.
	number = 100_000
)
