package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/safetext"
)

// The values of --color.
const (
	colorAuto   = "auto"
	colorAlways = "always"
	colorNever  = "never"
)

// A style is what a terminal is told before a text: parameters of its escape SGR.
type style string

const (
	plainStyle style = ""
	boldStyle  style = "1"
	dimStyle   style = "2"
	redStyle   style = "31"
	greenStyle style = "32"
	cyanStyle  style = "36"
)

// A palette paints text for one output, or leaves it as it is.
type palette struct{ on bool }

// paint returns a text in a style. Escapes of the text's own are dropped.
func (p palette) paint(s style, text string) string {
	text = safetext.Text(text)
	if !p.on || s == plainStyle || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// diff returns a unified diff in the colours of git's.
func (p palette) diff(text string) string {
	if !p.on {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(p.paint(diffStyle(line), strings.TrimSuffix(line, "\n")) + "\n")
	}
	return b.String()
}

func diffStyle(line string) style {
	switch {
	case strings.HasPrefix(line, "diff "), strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		return boldStyle
	case strings.HasPrefix(line, "@@"):
		return cyanStyle
	case strings.HasPrefix(line, "+"):
		return greenStyle
	case strings.HasPrefix(line, "-"):
		return redStyle
	}
	return plainStyle
}

// A look is what the flags of all commands say about the output.
type look struct {
	color string
	quiet bool
}

func (l *look) add(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&l.color, "color", colorAuto, "colours: `auto|always|never`; auto is on a terminal, unless NO_COLOR is set")
	flags.BoolVarP(&l.quiet, "quiet", "q", false, "on stderr only warnings and errors")
	for _, name := range []string{"color", "quiet"} {
		_ = flags.SetAnnotation(name, annotationGroup, []string{string(groupOutput)})
	}
	completeWith(root, "color", colorAuto, colorAlways, colorNever)
}

func (l *look) check() error { return oneOf("color", l.color, colorAuto, colorAlways, colorNever) }

// paletteFor returns the palette of an output that is or is not a terminal.
func (env Env) paletteFor(terminal bool) palette {
	switch env.look.color {
	case colorAlways:
		return palette{true}
	case colorNever:
		return palette{false}
	}
	return palette{terminal && env.obeysEscapes() && env.Getenv("NO_COLOR") == ""}
}

// obeysEscapes reports whether a terminal of this kind understands escapes.
func (env Env) obeysEscapes() bool { return env.Getenv("TERM") != "dumb" }

// out and err are the palettes of stdout and stderr.
func (env Env) out() palette { return env.paletteFor(env.Terminal.Out) }
func (env Env) err() palette { return env.paletteFor(env.Terminal.Err) }

// note says something on stderr that --quiet leaves out.
func (env Env) note(format string, args ...any) {
	if !env.look.quiet {
		fmt.Fprintf(env.Stderr, format+"\n", args...)
	}
}
