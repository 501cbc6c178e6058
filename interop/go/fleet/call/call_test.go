package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/smallnest/rpcx/client"

	"github.com/trunkline-rpc/trunkline/interop/go/fleet/message"
	"github.com/trunkline-rpc/trunkline/interop/go/fleet/serve"
)

func start(t *testing.T, name string) *serve.Member {
	t.Helper()
	member, err := serve.Listen(serve.Settings{Address: "127.0.0.1:0", Name: name, Rpcx: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(member.Close)
	return member
}

func open(t *testing.T, fail client.FailMode, servers ...string) *Session {
	t.Helper()
	settings := Settings{Select: client.RoundRobin, Fail: fail, Option: client.DefaultOption}
	for _, server := range servers {
		settings.Servers = append(settings.Servers, &client.KVPair{Key: server})
	}
	session, err := Open(settings, func(any) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	return session
}

func run(t *testing.T, session *Session, line string) Result {
	t.Helper()
	var command Command
	if err := json.Unmarshal([]byte(line), &command); err != nil {
		t.Fatal(err)
	}
	return session.Run(command)
}

func TestAListIsReadWithItsMetadata(t *testing.T) {
	pairs, err := ParseServers("tcp@h:1?weight=5&group=a%2Cb,tcp@[::1]:2")
	if err != nil || len(pairs) != 2 || *pairs[0] != (client.KVPair{Key: "tcp@h:1", Value: "weight=5&group=a%2Cb"}) || pairs[1].Key != "tcp@[::1]:2" {
		t.Errorf("read %v and %v", pairs, err)
	}
	if _, err := ParseServers("h:1"); err == nil {
		t.Error("a server without a network was taken")
	}
}

func TestCallsAreCountedByInstance(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	session := open(t, client.Failfast, a.Node(), b.Node())
	result := run(t, session, `{"call":"Who","n":40,"callers":4}`)
	if !result.OK || result.ByInstance["a"] != 20 || result.ByInstance["b"] != 20 || len(result.Order) != 40 {
		t.Errorf("%+v %+v", result, result.Called)
	}
}

func TestErrorsAreCountedByText(t *testing.T) {
	session := open(t, client.Failover, start(t, "a").Node())
	result := run(t, session, `{"call":"Refuse","args":{"ID":"r","Text":"no, thanks"},"n":3}`)
	if result.ErrorTexts["no, thanks"] != 3 || result.Order[2] != "!no, thanks" || result.Reply != nil {
		t.Errorf("%+v", result.Called)
	}
	result = run(t, session, `{"everywhere":"Executed"}`)
	if executions := result.Replies[0].Reply.(*message.Executions); len(executions.Times) != 3 || executions.Times["r-1"] != 1 {
		t.Errorf("an error of the service was retried: %v", executions.Times)
	}
}

func TestASecondExecutionIsSeen(t *testing.T) {
	session := open(t, client.Failfast, start(t, "a").Node())
	run(t, session, `{"call":"Work","args":{"ID":"once"}}`)
	result := run(t, session, `{"call":"Work","args":{"ID":"once"}}`)
	if worked := result.Reply.(*message.Worked); worked.Times != 2 {
		t.Errorf("%+v", worked)
	}
}

func TestSteadyLoadKeepsItsRateAndAccountsForEveryCall(t *testing.T) {
	a := start(t, "a")
	session := open(t, client.Failfast, a.Node())
	if result := run(t, session, `{"steady":{"callers":4,"rate":200,"call":"Work","prefix":"s"}}`); !result.OK {
		t.Fatal(result.Error)
	}
	if result := run(t, session, `{"steady":{}}`); result.OK {
		t.Error("a second load was taken")
	}
	time.Sleep(time.Second)
	result := run(t, session, `{"stop":true}`)
	if result.Stopped == nil || result.Stopped.Errors != 0 || result.Stopped.Calls < 100 || result.Stopped.Calls > 210 {
		t.Fatalf("%+v", result.Stopped)
	}
	executions := run(t, session, `{"everywhere":"Executed","args":{"Prefix":"s-"}}`).Replies[0].Reply.(*message.Executions)
	if int64(len(executions.Times)) != result.Stopped.Calls {
		t.Errorf("%d were begun of %d calls", len(executions.Times), result.Stopped.Calls)
	}
	if result := run(t, session, `{"stop":true}`); result.OK {
		t.Error("what had stopped was stopped")
	}
}

func TestAStaticListIsReplaced(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	session := open(t, client.Failfast, a.Node())
	result := run(t, session, fmt.Sprintf(`{"update":%q}`, b.Node()))
	if !result.OK || result.List[0].Key != b.Node() {
		t.Fatalf("%+v", result)
	}
	for range 200 { // the client learns of it in its own time
		if result = run(t, session, `{"call":"Who"}`); result.Order[0] == "b" {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%s still answers", result.Order[0])
}

func TestMoreTextsThanAreKeptAreOthers(t *testing.T) {
	tally := newTally()
	for i := range maxTexts + 5 {
		tally.add("", errors.New(fmt.Sprint("text ", i)), time.Millisecond)
	}
	if counts := tally.counts(); counts.ErrorTexts["others"] != 5 || counts.Errors != maxTexts+5 {
		t.Errorf("%+v", counts)
	}
}
