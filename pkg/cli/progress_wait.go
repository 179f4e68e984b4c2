package cli

import (
	"context"
	"sync"
	"time"

	"github.com/tagbump/tagbump/pkg/safetext"
)

// heartbeat is how often a wait that changes nothing says that it goes on: CI systems
// end a job that prints nothing for some minutes.
const heartbeat = 10 * time.Second

// progressLines print a line for each change that a wait sees, and one each heartbeat.
type progressLines struct {
	talk talk
	mu   sync.Mutex
	last map[string]string // by application
	app  string            // whose line was the last
	at   time.Time         // of the last line
}

func newProgressLines(t talk) *progressLines {
	return &progressLines{talk: t, last: map[string]string{}}
}

// look takes what a look at an application saw.
func (p *progressLines) look(application, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last[application] == text {
		return
	}
	p.last[application], p.app = text, application
	p.line("%s: %s", application, text)
}

// warn takes what a person should know before it is certain.
func (p *progressLines) warn(application, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line("warning: %s: %s", application, text)
}

func (p *progressLines) line(format string, args ...any) {
	p.at = time.Now()
	for i, arg := range args {
		if text, isText := arg.(string); isText {
			args[i] = safetext.Line(text)
		}
	}
	p.talk.say(format, args...)
}

// begin begins a wait, and prints heartbeats until stop is called. What an earlier wait
// saw does not count any more.
func (p *progressLines) begin(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	p.last, p.app, p.at = map[string]string{}, "", time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				p.beat()
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func (p *progressLines) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case time.Since(p.at) < heartbeat:
	case p.app == "":
		p.line("still waiting for Argo CD's answer")
	default:
		p.line("%s: still: %s", p.app, p.last[p.app])
	}
}
