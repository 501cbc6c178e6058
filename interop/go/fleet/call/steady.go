package call

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trunkline-rpc/trunkline/interop/go/fleet/message"
)

const maxSteadySeconds = 600

type steadyLoad struct {
	settings Steady
	session  *Session
	stop     chan struct{}
	once     sync.Once
	callers  sync.WaitGroup
	reports  sync.WaitGroup
	number   atomic.Int64
	total    *tally

	mu     sync.Mutex
	second *tally
}

func (s *Session) beginSteady(settings Steady) error {
	if settings.Call == "" {
		settings.Call = "Who"
	}
	if settings.Call != "Who" && settings.Call != "Work" {
		return fmt.Errorf("steady load cannot call %q, expected Who or Work", settings.Call)
	}
	settings.Callers = max(settings.Callers, 1)
	if settings.Callers > maxCallers || settings.Seconds > maxSteadySeconds || settings.Rate < 0 {
		return fmt.Errorf("%+v is too much, expected at most %d callers and %d seconds", settings, maxCallers, maxSteadySeconds)
	}
	if settings.Seconds <= 0 {
		settings.Seconds = maxSteadySeconds
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.steady != nil {
		return errors.New("there is steady load already, expected a stop first")
	}
	load := &steadyLoad{settings: settings, session: s, stop: make(chan struct{}), total: newTally(), second: newTally()}
	s.steady = load
	begin := time.Now()
	for caller := range settings.Callers {
		load.callers.Go(func() { load.callFrom(caller, begin) })
	}
	load.reports.Go(load.report)
	return nil
}

func (s *Session) takeSteady() *steadyLoad {
	s.mu.Lock()
	defer s.mu.Unlock()
	load := s.steady
	s.steady = nil
	return load
}

// callFrom is one caller. With a rate, the callers take turns at fixed times; who is late calls at
// once, and takes the next turn that has not passed.
func (l *steadyLoad) callFrom(caller int, begin time.Time) {
	var turn time.Duration
	next := begin
	if l.settings.Rate > 0 {
		turn = time.Second * time.Duration(l.settings.Callers) / time.Duration(l.settings.Rate)
		next = begin.Add(turn * time.Duration(caller) / time.Duration(l.settings.Callers))
	}
	for {
		select {
		case <-l.stop:
			return
		case <-time.After(time.Until(next)):
		}
		e := exchange{method: "Who", argument: &message.Nothing{}, reply: &message.Identity{}}
		if l.settings.Call == "Work" {
			id := fmt.Sprintf("%s-%d", l.settings.Prefix, l.number.Add(1)-1)
			e = exchange{method: "Work", argument: &message.Work{ID: id, Millis: l.settings.Millis}, reply: &message.Worked{}}
		}
		l.call(&e)
		for turn > 0 && next.Before(time.Now()) {
			next = next.Add(turn)
		}
	}
}

func (l *steadyLoad) call(e *exchange) {
	ctx, cancel := withTimeout(l.settings.TimeoutMS)
	defer cancel()
	begin := time.Now()
	err := l.session.client.Call(ctx, e.method, e.argument, e.reply)
	took := time.Since(begin)
	l.total.add(e.instance(), err, took)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.second.add(e.instance(), err, took)
}

func (l *steadyLoad) report() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for second := 1; ; second++ {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
		}
		l.mu.Lock()
		past := l.second
		l.second = newTally()
		l.mu.Unlock()
		l.session.tell(Second{second, past.counts()})
		if second >= l.settings.Seconds {
			l.once.Do(func() { close(l.stop) })
			return
		}
	}
}

// end waits for the calls under way and returns the sum.
func (l *steadyLoad) end() Counts {
	l.once.Do(func() { close(l.stop) })
	l.callers.Wait()
	l.reports.Wait()
	return l.total.counts()
}
