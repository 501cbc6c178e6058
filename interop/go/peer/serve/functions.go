package serve

import (
	"context"
	"errors"
)

// Neg, Greet, Sum, Lengths and Refuse are the functions of the service InteropFunc: their
// arguments and replies are no structs.
func Neg(ctx context.Context, n int64, reply *int64) error {
	answer(ctx)
	*reply = -n
	return nil
}

// Greet answers with "hello, " and its argument.
func Greet(ctx context.Context, name string, reply *string) error {
	answer(ctx)
	*reply = "hello, " + name
	return nil
}

// Sum adds up.
func Sum(ctx context.Context, numbers []int64, reply *int64) error {
	answer(ctx)
	for _, n := range numbers {
		*reply += n
	}
	return nil
}

// Lengths answers with the length in bytes of each text.
func Lengths(ctx context.Context, texts map[string]string, reply *map[string]int) error {
	answer(ctx)
	*reply = make(map[string]int, len(texts))
	for key, text := range texts {
		(*reply)[key] = len(text)
	}
	return nil
}

// Refuse sets a reply and fails: unlike a method's, a function's reply is then not sent.
func Refuse(ctx context.Context, n int64, reply *int64) error {
	answer(ctx)
	*reply = n
	return errors.New("interop: refused")
}
