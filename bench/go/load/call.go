package load

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"bench/pb"
)

// operation is one call, to be made again and again.
type operation func() error

// operations makes one operation for each caller of a call named on the command line.
func operations(peer Peer, call string, callers, connections int) ([]operation, error) {
	kind, argument, _ := strings.Cut(call, ":")
	var one func(connection int) operation
	switch kind {
	case "say":
		one = func(connection int) operation { return say(peer, connection) }
	case "echo":
		size, err := strconv.Atoi(argument)
		if err != nil {
			return nil, err
		}
		payload := make([]byte, size)
		for i := range payload {
			payload[i] = byte(i)
		}
		one = func(connection int) operation { return echo(peer, connection, payload) }
	case "file":
		payload, err := os.ReadFile(argument)
		if err != nil {
			return nil, err
		}
		one = func(connection int) operation { return echo(peer, connection, payload) }
	case "burn":
		millis, err := strconv.ParseUint(argument, 10, 32)
		if err != nil {
			return nil, err
		}
		one = func(connection int) operation {
			return func() error { return peer.Burn(connection, uint32(millis)) }
		}
	default:
		return nil, fmt.Errorf("%s: expected say, echo:BYTES, file:PATH or burn:MILLISECONDS", call)
	}
	all := make([]operation, callers)
	for caller := range all {
		all[caller] = one(caller % connections)
	}
	return all, nil
}

var errNotAnswer = errors.New("the answer is not the server's")

func say(peer Peer, connection int) operation {
	message := pb.Request()
	return func() error {
		answer, err := peer.Say(connection, message)
		if err == nil && (answer.Field1 != "OK" || answer.Field2 != 100) {
			err = errNotAnswer
		}
		return err
	}
}

func echo(peer Peer, connection int, payload []byte) operation {
	return func() error {
		answer, err := peer.Echo(connection, payload)
		if err != nil {
			return err
		}
		// Comparing a mebibyte would cost as much as moving it: length and ends show a misplaced frame.
		size := len(payload)
		if len(answer) != size || size > 0 && (answer[0] != payload[0] || answer[size-1] != payload[size-1]) {
			return fmt.Errorf("sent %d bytes, got %d", size, len(answer))
		}
		return nil
	}
}
