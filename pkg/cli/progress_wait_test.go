package cli

import (
	"bytes"
	"testing"
	"time"
)

// TestAHeartbeatIsOfThisWait holds that the wait for the way back does not repeat why the
// one before it failed.
func TestAHeartbeatIsOfThisWait(t *testing.T) {
	var out bytes.Buffer
	p := newProgressLines(talk{w: &out})
	p.look("web", "a Pod cannot start")
	p.begin(t.Context())()
	p.at = time.Now().Add(-heartbeat)
	p.beat()
	p.look("web", "a Pod cannot start")
	const want = "web: a Pod cannot start\nstill waiting for Argo CD's answer\nweb: a Pod cannot start\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
