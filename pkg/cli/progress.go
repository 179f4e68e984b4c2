package cli

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// How a run says on stderr that it waits for something.
const (
	patience  = 500 * time.Millisecond // of a person, before a terminal shows something
	frameTime = 120 * time.Millisecond
	lineTime  = 10 * time.Second // between lines where stderr is no terminal
)

var frames = []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")

// A progress says what a run waits for: on a terminal in one line that it draws
// again and again, elsewhere with a line now and then. Its zero value says nothing.
type progress struct {
	mu      sync.Mutex
	w       io.Writer // stderr
	live    bool      // w obeys escapes
	width   int
	phase   string
	hosts   []string // that have not answered yet, the latest one last
	began   time.Time
	drawn   bool // the line is on the terminal
	stopped chan struct{}
}

// start begins to say something, until stop.
func (p *progress) start(tick time.Duration) {
	p.began, p.stopped = time.Now(), make(chan struct{})
	if p.live {
		time.AfterFunc(patience, func() { p.each(frameTime) })
		return
	}
	go p.each(tick)
}

// each shows the state again and again.
func (p *progress) each(interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for frame := 0; ; frame++ {
		if p.live {
			p.draw(frames[frame%len(frames)])
		}
		select {
		case <-p.stopped:
			return
		case <-ticker.C:
			if !p.live {
				p.tell()
			}
		}
	}
}

// draw shows the line on a terminal.
func (p *progress) draw(frame rune) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.stopped:
		return
	default:
	}
	line := fmt.Sprintf("%c %s … %d s", frame, p.text(), int(time.Since(p.began).Seconds()))
	if letters := []rune(line); len(letters) >= p.width {
		line = string(letters[:p.width-1])
	}
	_, _ = io.WriteString(p.w, "\r"+line+eraseToEnd)
	p.drawn = true
}

const eraseToEnd = "\x1b[K"

// tell says a line.
func (p *progress) tell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase == phaseTexts[bump.PhaseWait] {
		return // a wait has lines of its own
	}
	fmt.Fprintf(p.w, "%s … %d s\n", p.text(), int(time.Since(p.began).Round(time.Second).Seconds()))
}

func (p *progress) text() string {
	switch {
	case len(p.hosts) > 0:
		return "waiting for " + p.hosts[len(p.hosts)-1]
	case p.phase != "":
		return p.phase
	}
	return "working"
}

// erase takes the line from the terminal, so that something else can be written.
func (p *progress) erase() {
	if p.drawn {
		_, _ = io.WriteString(p.w, "\r"+eraseToEnd)
		p.drawn = false
	}
}

// stop ends it and leaves nothing on the terminal.
func (p *progress) stop() {
	if p == nil || p.stopped == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.stopped:
	default:
		close(p.stopped)
	}
	p.erase()
}

// observe follows the requests of a run.
func (p *progress) observe(e httpx.Exchange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !e.Done {
		p.hosts = append(p.hosts, e.Host)
		return
	}
	if i := slices.Index(p.hosts, e.Host); i >= 0 {
		p.hosts = slices.Delete(p.hosts, i, i+1)
	}
}

// phaseTexts say what a run does in a phase.
var phaseTexts = map[bump.Phase]string{
	bump.PhaseResolve: "reading the repository and asking the registry",
	bump.PhasePlan:    "making the change",
	bump.PhasePush:    "publishing the change",
	bump.PhaseWait:    "waiting for Argo CD",
}

// enter follows the phases of a run.
func (p *progress) enter(phase bump.Phase) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase = phaseTexts[phase]
}

// An above writes to an output of which the last line may be the progress.
type above struct {
	progress *progress
	w        io.Writer
}

func (a above) Write(text []byte) (int, error) {
	a.progress.mu.Lock()
	defer a.progress.mu.Unlock()
	a.progress.erase()
	return a.w.Write(text)
}
