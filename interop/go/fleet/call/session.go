// Package call is a caller of a fleet: an rpcx client over a static list or etcd, driven by commands.
package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	etcdclient "github.com/rpcxio/rpcx-etcd/client"
	"github.com/smallnest/rpcx/client"

	"github.com/trunkline-rpc/trunkline/interop/go/fleet/message"
)

const (
	maxCalls   = 100_000
	maxCallers = 256
)

// Settings are what a caller is started with.
type Settings struct {
	Servers    []*client.KVPair
	Etcd       []string // instead of Servers
	Base       string
	AllowEmpty bool // rpcx's allowKeyNotFound

	Select client.SelectMode
	Fail   client.FailMode
	Place  *[2]float64 // latitude and longitude
	Option client.Option
}

// Session is a caller.
type Session struct {
	settings  Settings
	discovery client.ServiceDiscovery
	client    client.XClient
	tell      func(any)

	mu     sync.Mutex
	steady *steadyLoad
}

// Open makes the client; tell is for what is said beside the answers to commands.
func Open(settings Settings, tell func(any)) (*Session, error) {
	s := &Session{settings: settings, tell: tell}
	var err error
	if len(settings.Etcd) > 0 {
		s.discovery, err = etcdclient.NewEtcdV3Discovery(settings.Base, message.Service, settings.Etcd, settings.AllowEmpty, nil)
	} else {
		s.discovery, err = client.NewMultipleServersDiscovery(settings.Servers)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list servers: %w", err)
	}
	s.client = client.NewXClient(message.Service, settings.Fail, settings.Select, s.discovery, settings.Option)
	if settings.Place != nil {
		s.client.ConfigGeoSelector(settings.Place[0], settings.Place[1])
	} else if settings.Select == client.Closest {
		return nil, errors.New("the select mode closest needs --lat and --lon: without them rpcx panics")
	}
	return s, nil
}

// Close ends the load and the client.
func (s *Session) Close() {
	if load := s.takeSteady(); load != nil {
		load.end()
	}
	_ = s.client.Close()
	s.discovery.Close()
}

// Run does a command.
func (s *Session) Run(command Command) Result {
	result := Result{ID: command.ID}
	var err error
	switch {
	case command.Call != "":
		result.Called, err = s.calls(command)
	case command.Everywhere != "":
		result.Replies, err = s.everywhere(command)
	case command.Steady != nil:
		err = s.beginSteady(*command.Steady)
		result.SteadyBegun = err == nil
	case command.Stop:
		if load := s.takeSteady(); load == nil {
			err = errors.New("there is no steady load to stop")
		} else {
			counts := load.end()
			result.Stopped = &counts
		}
	case command.Wait != nil:
		err = s.wait(*command.Wait, &result)
	case command.Update != nil:
		err = s.update(*command.Update)
		s.list(&result)
	case command.List:
		s.list(&result)
	default:
		err = errors.New("this command says nothing to do, expected call, everywhere, steady, stop, list, wait or update")
	}
	result.OK = err == nil
	if err != nil {
		result.Error = err.Error()
	}
	return result
}

func (s *Session) calls(command Command) (*Called, error) {
	n, callers := max(command.N, 1), max(command.Callers, 1)
	if len(command.Each) > 0 {
		n = len(command.Each)
	}
	if n > maxCalls || callers > maxCallers {
		return nil, fmt.Errorf("%d calls by %d callers are too many, expected at most %d by %d", n, callers, maxCalls, maxCallers)
	}
	plans := make([]exchange, n)
	for i := range plans {
		arguments := command.Args
		if len(command.Each) > 0 {
			arguments = command.Each[i]
		}
		var err error
		if plans[i], err = newExchange(command.Call, arguments); err != nil {
			return nil, err
		}
		if n > 1 && len(command.Each) == 0 {
			plans[i].makeUnique(i)
		}
	}

	tally, order := newTally(), make([]string, min(n, maxOrder))
	var next atomic.Int64
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				instance, err := s.once(&plans[i], command.TimeoutMS, tally)
				if err != nil {
					instance = "!" + err.Error()
				}
				if i < len(order) {
					order[i] = instance
				}
			}
		})
	}
	group.Wait()
	called := &Called{Counts: tally.counts(), Order: order}
	if plans[n-1].answered {
		called.Reply = plans[n-1].reply
	}
	return called, nil
}

// once makes one call and counts it.
func (s *Session) once(e *exchange, timeoutMS int64, tally *tally) (instance string, err error) {
	ctx, cancel := withTimeout(timeoutMS)
	defer cancel()
	begin := time.Now()
	err = s.client.Call(ctx, e.method, e.argument, e.reply)
	took := time.Since(begin)
	if err == nil {
		e.answered = true
		instance = e.instance()
	}
	tally.add(instance, err, took)
	return instance, err
}

func (s *Session) everywhere(command Command) ([]Answer, error) {
	answers := []Answer{}
	for _, pair := range s.discovery.GetServices() {
		e, err := newExchange(command.Everywhere, command.Args)
		if err != nil {
			return nil, err
		}
		answer := Answer{Key: pair.Key}
		if err := s.callOne(pair.Key, &e, command.TimeoutMS); err != nil {
			answer.Error = err.Error()
		} else {
			answer.Reply = e.reply
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

func (s *Session) callOne(server string, e *exchange, timeoutMS int64) error {
	one, err := client.NewPeer2PeerDiscovery(server, "")
	if err != nil {
		return err
	}
	option := s.settings.Option
	option.Group = ""
	caller := client.NewXClient(message.Service, client.Failfast, client.RandomSelect, one, option)
	defer caller.Close()
	ctx, cancel := withTimeout(timeoutMS)
	defer cancel()
	return caller.Call(ctx, e.method, e.argument, e.reply)
}

func (s *Session) list(result *Result) {
	result.List = []Node{}
	for _, pair := range s.discovery.GetServices() {
		result.List = append(result.List, Node{pair.Key, pair.Value, []byte(pair.Value)})
	}
	count := len(result.List)
	result.Count = &count
}

func (s *Session) wait(wait Wait, result *Result) error {
	if wait.TimeoutMS <= 0 {
		wait.TimeoutMS = 10_000
	}
	begin := time.Now()
	for {
		s.list(result)
		waited := time.Since(begin).Milliseconds()
		result.WaitedMS = &waited
		if *result.Count == wait.Count {
			return nil
		}
		if waited > wait.TimeoutMS {
			return fmt.Errorf("after %d ms the list has %d servers, expected %d", waited, *result.Count, wait.Count)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *Session) update(text string) error {
	static, ok := s.discovery.(*client.MultipleServersDiscovery)
	if !ok {
		return errors.New("only a static list can be updated, expected a client with --servers")
	}
	pairs, err := ParseServers(text)
	if err != nil {
		return err
	}
	static.Update(pairs)
	return nil
}

func withTimeout(millis int64) (context.Context, context.CancelFunc) {
	if millis <= 0 {
		millis = 5000
	}
	return context.WithTimeout(context.Background(), time.Duration(millis)*time.Millisecond)
}

// exchange is a call with its typed argument and reply.
type exchange struct {
	method   string
	argument any
	reply    any
	answered bool
}

func newExchange(method string, arguments json.RawMessage) (exchange, error) {
	e := exchange{method: method}
	switch method {
	case "Who":
		e.argument, e.reply = &message.Nothing{}, &message.Identity{}
	case "Keyed":
		e.argument, e.reply = new(string), &message.Identity{}
	case "Echo":
		e.argument, e.reply = &message.Text{}, &message.Text{}
	case "Work":
		e.argument, e.reply = &message.Work{}, &message.Worked{}
	case "Refuse":
		e.argument, e.reply = &message.Refusal{}, &message.Worked{}
	case "Executed":
		e.argument, e.reply = &message.Query{}, &message.Executions{}
	default:
		return e, fmt.Errorf("unknown method %q, expected Who, Keyed, Echo, Work, Refuse or Executed", method)
	}
	if len(arguments) > 0 {
		if err := json.Unmarshal(arguments, e.argument); err != nil {
			return e, fmt.Errorf("the arguments of %s are wrong: %w", method, err)
		}
	}
	if key, ok := e.argument.(*string); ok {
		e.argument = *key // rpcx hashes what it is given, and a pointer's text is its address
	}
	return e, nil
}

// makeUnique gives the call an id of its own.
func (e *exchange) makeUnique(i int) {
	switch argument := e.argument.(type) {
	case *message.Work:
		argument.ID += "-" + strconv.Itoa(i)
	case *message.Refusal:
		argument.ID += "-" + strconv.Itoa(i)
	}
}

// instance is the name of the member that answered, empty where a reply has none.
func (e *exchange) instance() string {
	switch reply := e.reply.(type) {
	case *message.Identity:
		return reply.Name
	case *message.Worked:
		return reply.Name
	case *message.Executions:
		return reply.Name
	}
	return ""
}
