package message

// Text returns n letters that any peer can make again: the i-th is 'a' + (7i + i/26) mod 26.
func Text(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = 'a' + byte((7*i+i/26)%26)
	}
	return string(text)
}

// Bytes returns n bytes that any peer can make again: the i-th is 31i + i/256 modulo 256.
func Bytes(n int) []byte {
	bytes := make([]byte, n)
	for i := range bytes {
		bytes[i] = byte(31*i + i/256)
	}
	return bytes
}

// FailText is the error of a method that was asked to fail, given the length of the text (for
// raw bytes: of the payload) that it was called with.
func FailText(n int) string {
	return "interop: asked to fail\nwith " + decimal(int64(n)) + " bytes of text – né"
}
