package load

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"time"
)

// patience is how long connecting and winding down may take.
const patience = 10 * time.Second

// Run is the main function of every Go peer: it serves, or calls and prints a report, as the command line says.
func Run(serve func(net.Listener) error, connect func(addr string, connections int) (Peer, error)) {
	var err error
	switch mode := append(os.Args, "")[1]; mode {
	case "server":
		err = runServer(os.Args[2:], serve)
	case "client":
		err = runClient(os.Args[2:], connect)
	default:
		err = errors.New("expected `server` or `client` as the first argument")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runServer(arguments []string, serve func(net.Listener) error) error {
	flags := flag.NewFlagSet("server", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:0", "where to listen")
	lifetime := flags.Float64("lifetime", 600, "seconds until the process ends by itself")
	flags.Parse(arguments)

	// The process ends when its standard input is closed: the parent holds the other end.
	go func() {
		for buffer := make([]byte, 1); ; {
			if _, err := os.Stdin.Read(buffer); err != nil {
				os.Exit(0)
			}
		}
	}()
	time.AfterFunc(seconds(*lifetime), func() { os.Exit(0) })

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	return serve(listener)
}

func runClient(arguments []string, connect func(string, int) (Peer, error)) error {
	flags := flag.NewFlagSet("client", flag.ExitOnError)
	addr := flags.String("addr", "", "the server")
	server := flags.Int("server-pid", 0, "the server's process, for its CPU time")
	call := flags.String("call", "say", "what the callers do")
	callers := flags.Int("callers", 100, "how many do it")
	connections := flags.Int("connections", 10, "connections, shared out by caller number")
	beside := flags.String("beside", "", "what is going on beside it")
	besideCallers := flags.Int("beside-callers", 1, "how many do that")
	rate := flags.Int("rate", 0, "open loop with so many calls a second")
	warmup := flags.Float64("warmup", 0.3, "seconds before the window")
	length := flags.Float64("seconds", 1, "length of the window")
	flags.Parse(arguments)
	if *callers < 1 || *connections < 1 || *rate < 0 {
		return errors.New("-callers and -connections must be at least 1, -rate not negative")
	}

	peer, err := connect(*addr, *connections)
	if err != nil {
		return err
	}
	w := new(window)
	var neighbours *closedLoop
	if *beside != "" {
		all, err := operations(peer, *beside, *besideCallers, *connections)
		if err != nil {
			return err
		}
		neighbours = closed(all, w)
	}
	all, err := operations(peer, *call, *callers, *connections)
	if err != nil {
		return err
	}
	var paced *pace
	var measured interface{ join() (*tally, error) }
	if *rate > 0 {
		paced = open(all, *rate, w)
		measured = paced
	} else {
		measured = closed(all, w)
	}

	s, err := w.pass(seconds(*warmup), seconds(*length), *server)
	if err != nil {
		return err
	}
	sum, err := measured.join()
	if err != nil {
		return err
	}
	var besideSum *tally
	if neighbours != nil {
		if besideSum, err = neighbours.join(); err != nil {
			return err
		}
	}
	skipped := uint64(0)
	if paced != nil {
		skipped = paced.skipped.Load()
	}
	return json.NewEncoder(os.Stdout).Encode(newReport(sum, besideSum, skipped, s))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// within waits for something that has no deadline of its own.
func within(limit time.Duration, wait func()) error {
	done := make(chan struct{})
	go func() {
		wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(limit):
		return fmt.Errorf("calls did not end within %v", limit)
	}
}
