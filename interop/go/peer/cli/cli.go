// Package cli is the command line of a peer.
package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/smallnest/rpcx/log"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/call"
	"github.com/trunkline-rpc/trunkline/interop/go/peer/serve"
)

const usage = `usage:
  peer server [--addr 127.0.0.1:0] [--auth-addr 127.0.0.1:0] [--tls FOLDER]
      serves until standard input ends (then stops at once) or SIGTERM comes (then finishes what
      has begun); prints {"listening":…,"auth":…,"rpcx":…} when it is ready; with certificates in
      a folder, {"tls":…,"tls12":…,"mutual":…} as well
  peer client --addr HOST:PORT [--auth-addr HOST:PORT]
      runs the commands on standard input, one JSON object a line, and answers each with a line
  peer client --addr HOST:PORT --case NAME [--codec C] [--gzip] [--size N] [--variant N]
      runs one case
  peer client --addr HOST:PORT --until-stopped [--callers N] [--connections N] [--millis N] [--key K]
      keeps calling in a closed loop until standard input ends or the server has closed every
      connection, then reports what became of each call
  peer client --addr HOST:PORT --auth-addr HOST:PORT --all
      runs the whole case list, prints what failed or does not apply, and a summary
  peer cases
      prints the case list, one JSON object a line
  peer values
      prints the variants of Everything in each codec, one JSON object a line
`

// Main runs a peer and returns its exit code: 0 done, 1 a case failed, 2 it could not run.
func Main(args []string) int {
	// rpcx logs to standard output unless told otherwise; ours is for results.
	log.SetLogger(log.NewDefaultLogger(os.Stderr, "", stdlog.LstdFlags, log.LvError))
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	var err error
	failed := false
	switch args[0] {
	case "server":
		err = runServer(args[1:])
	case "client":
		failed, err = runClient(args[1:])
	case "cases":
		for _, step := range call.Plan() {
			print(step)
		}
	case "values":
		var goldens []call.Golden
		goldens, err = call.Goldens()
		for _, golden := range goldens {
			print(golden)
		}
	default:
		err = fmt.Errorf("unknown mode %q, expected server, client, cases or values", args[0])
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "peer:", err)
		return 2
	case failed:
		return 1
	}
	return 0
}

func runServer(args []string) error {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:0", "where to listen")
	authAddr := flags.String("auth-addr", "127.0.0.1:0", "where to listen for calls with a token")
	folder := flags.String("tls", "", "where server.pem, server.key and ca.pem are")
	if err := flags.Parse(args); err != nil {
		return err
	}
	peer, err := serve.Listen(*addr, *authAddr)
	if err != nil {
		return err
	}
	open, auth := peer.Addresses()
	ready := map[string]string{"listening": open, "auth": auth, "rpcx": rpcxVersion()}
	if *folder != "" {
		addresses, err := peer.ListenTLS(*folder)
		if err != nil {
			return err
		}
		for name, address := range addresses {
			ready[name] = address
		}
	}
	print(ready)

	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM, os.Interrupt)
	select {
	case <-terminated:
		return peer.Shutdown(10 * time.Second)
	case <-inputEnded():
		peer.Close()
		return nil
	case err := <-peer.Failed():
		return err
	}
}

func runClient(args []string) (failed bool, err error) {
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	addr := flags.String("addr", "", "where the server listens")
	authAddr := flags.String("auth-addr", "", "where it listens for calls with a token")
	all := flags.Bool("all", false, "run the whole case list")
	untilStopped := flags.Bool("until-stopped", false, "keep calling in a closed loop")
	var command call.Command
	flags.StringVar(&command.Case, "case", "", "the case to run")
	flags.StringVar(&command.Codec, "codec", "", "raw, json, protobuf, msgpack (the default) or thrift")
	flags.BoolVar(&command.Gzip, "gzip", false, "compress as a client with gzip does")
	flags.IntVar(&command.Size, "size", 100, "of the serialized payload, in bytes")
	flags.IntVar(&command.Variant, "variant", 1, "of Everything")
	flags.IntVar(&command.Callers, "callers", 0, "how many goroutines call at once")
	flags.IntVar(&command.Connections, "connections", 0, "how many connections they share")
	flags.Int64Var(&command.Millis, "millis", 0, "how long each call takes")
	flags.StringVar(&command.Key, "key", "", "under which the server counts the loop's calls")
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	if *addr == "" {
		return false, errors.New("client: --addr is missing, expected HOST:PORT of a server")
	}
	session := &call.Session{Addr: *addr, AuthAddr: *authAddr, Rpcx: rpcxVersion()}
	switch {
	case *all:
		return runAll(session), nil
	case *untilStopped:
		return runUntilStopped(session, command), nil
	case command.Case != "":
		result := session.Run(command)
		print(result)
		return !result.OK, nil
	default:
		return false, runCommands(session)
	}
}

// runAll prints the results that are worth a look and how many there were of each sort.
func runAll(session *call.Session) (failed bool) {
	passed, wrong, left := 0, 0, 0
	for _, step := range call.Plan() {
		if step.NotApplicable != "" {
			left++
			print(step)
			continue
		}
		if result := session.Run(step.Command()); result.OK {
			passed++
		} else {
			wrong++
			print(result)
		}
	}
	print(map[string]any{"rpcx": session.Rpcx, "passed": passed, "failed": wrong, "not_applicable": left})
	return wrong > 0 || passed == 0
}

func runUntilStopped(session *call.Session, command call.Command) (failed bool) {
	command.Case = "loop_start"
	if result := session.Run(command); !result.OK {
		print(result)
		return true
	}
	select {
	case <-inputEnded():
		command.Case = "loop_stop"
	case <-session.LoopEnded():
		command.Case = "loop_wait"
	}
	result := session.Run(command)
	print(result)
	return !result.OK
}

func runCommands(session *call.Session) error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		command, err := parse(lines.Bytes())
		if err != nil {
			print(call.Result{Detail: fmt.Sprintf("this is no command: %v", err), Values: map[string]any{}})
			continue
		}
		print(session.Run(command))
	}
	return lines.Err()
}

// inputEnded yields when there is no more standard input.
func inputEnded() <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	return ended
}

func parse(line []byte) (call.Command, error) {
	var command call.Command
	decoder := json.NewDecoder(bytes.NewReader(line))
	// A misspelt field would run another case than the one that was meant.
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&command)
	return command, err
}

func print(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		line = fmt.Appendf(nil, `{"ok":false,"detail":%q}`, err.Error())
	}
	fmt.Printf("%s\n", line)
}

// rpcxVersion is the version of rpcx that this program was built with.
func rpcxVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/smallnest/rpcx" {
				return module.Version
			}
		}
	}
	return "unknown"
}
