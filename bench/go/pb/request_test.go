package pb

import (
	"testing"

	"google.golang.org/protobuf/proto"
)

func TestTheRequestIsAsLongAsThePublicOne(t *testing.T) {
	if size := proto.Size(Request()); size != 581 {
		t.Errorf("%d bytes, expected 581", size)
	}
}

func TestAnAnswerDiffersFromARequestInTwoFields(t *testing.T) {
	reply := new(BenchmarkMessage)
	Answer(Request(), reply)
	if reply.Field1 != "OK" || reply.Field2 != 100 {
		t.Errorf("%v, %v", reply.Field1, reply.Field2)
	}
	reply.Field1, reply.Field2 = text, number
	if !proto.Equal(reply, Request()) {
		t.Error("another field differs too")
	}
}
