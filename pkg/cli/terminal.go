package cli

import (
	"os"

	"golang.org/x/term"
)

// A Terminal says what a run knows of the terminal that it writes to. The zero
// Terminal is a file or a pipe.
type Terminal struct {
	Out, Err bool // stdout and stderr are a terminal
	Width    int  // columns; 0 is not known
}

const (
	defaultWidth = 80
	leastWidth   = 40
	mostWidth    = 100 // longer lines are hard to read
)

// terminalOf looks at the process's own outputs.
func terminalOf(out, err *os.File) Terminal {
	t := Terminal{Out: term.IsTerminal(int(out.Fd())), Err: term.IsTerminal(int(err.Fd()))}
	for _, file := range []*os.File{out, err} {
		if width, _, failed := term.GetSize(int(file.Fd())); failed == nil && t.Width == 0 {
			t.Width = width
		}
	}
	return t
}

// textWidth returns how long a line of text may be.
func (t Terminal) textWidth() int {
	if t.Width == 0 {
		return defaultWidth
	}
	return min(max(t.Width, leastWidth), mostWidth)
}
