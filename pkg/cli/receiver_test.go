package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// A receiver is a server that a script's runs tell something: a webhook, a Pushgateway
// or a collector. It keeps what it got.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []string
}

func newReceiver() *receiver {
	r := &receiver{status: http.StatusOK}
	r.Server = httptest.NewServer(r)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, fmt.Sprintf("%s %s\n%s\n", req.Method, req.URL.EscapedPath(), body))
	if r.status >= 300 && r.status <= 399 {
		w.Header().Set("Location", r.URL+"/elsewhere")
	}
	w.WriteHeader(r.status)
	fmt.Fprintln(w, "as the script says")
}

// listReceived: received prints what the receiver got since the last time, "nothing"
// when it got nothing.
func listReceived(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: received")
	}
	r := worldOf(ts).receiver
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got) == 0 {
		fmt.Fprintln(ts.Stdout(), "nothing")
	}
	for _, one := range r.got {
		fmt.Fprint(ts.Stdout(), one)
	}
	r.got = nil
}

// setReceiver: receiver STATUS lets the receiver answer with a status.
func setReceiver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: receiver STATUS")
	}
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	r := worldOf(ts).receiver
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}
