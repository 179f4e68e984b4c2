package cli

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tagbump/tagbump/pkg/internal/manual"
)

// A helpSize says how much of a command's help is shown.
type helpSize int

const (
	wholeHelp helpSize = iota
	shortHelp          // fits on a screen
)

// commonFlags are those that the short help shows.
var commonFlags = []string{
	"env", "from", "to", "steps", "repo", "file", "path", "tag", "semver", "match", "order",
	"pr", "dry-run", "wait", "on-stale", "output", "full",
}

// shortExamples is how many examples the short help shows.
const shortExamples = 3

// helpOf returns the help of a command in lines of at most width columns.
func helpOf(cmd *cobra.Command, size helpSize, width int) string {
	h := &helpWriter{width: width}
	if size == shortHelp {
		h.paragraphs(firstParagraph(cmp.Or(cmd.Long, cmd.Short)))
		h.section("Usage", "  "+useLine(cmd))
		h.commands(cmd)
		h.section("Examples", firstExamples(cmd.Example, shortExamples))
		h.rows("Flags", commonRows(cmd), flagColumn)
		h.paragraphs(cmd.CommandPath() + " --help shows all.")
		return h.String()
	}
	h.paragraphs(cmp.Or(cmd.Long, cmd.Short))
	h.section("Usage", "  "+useLine(cmd))
	h.commands(cmd)
	h.section("Examples", cmd.Example)
	for _, group := range flagGroups {
		h.rows(string(group), flagRows(cmd, group), flagColumn)
	}
	if !cmd.HasParent() {
		h.paragraphs("Topics, for tagbump help TOPIC: " + strings.Join(topicNames(), ", ") + ".")
	}
	h.paragraphs("Every flag can come from the environment, as TAGBUMP_DRY_RUN=true for --dry-run: tagbump help environment.")
	h.paragraphs("Exit codes: " + exitCodeLine() + ": tagbump help exit-codes.")
	return h.String()
}

// A helpWriter writes the sections of a help, with a blank line between them.
type helpWriter struct {
	strings.Builder
	width int
}

func (h *helpWriter) start() {
	if h.Len() > 0 {
		h.WriteString("\n")
	}
}

// paragraphs writes text in lines of the terminal's width. Lines that begin with a
// blank stay as they are.
func (h *helpWriter) paragraphs(text string) {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		h.start()
		var run []string
		flush := func() {
			for _, line := range manual.Wrap(strings.Join(run, " "), h.width) {
				h.WriteString(line + "\n")
			}
			run = nil
		}
		for line := range strings.SplitSeq(paragraph, "\n") {
			if !strings.HasPrefix(line, " ") {
				run = append(run, line)
				continue
			}
			if len(run) > 0 {
				flush()
			}
			h.WriteString(line + "\n")
		}
		if len(run) > 0 {
			flush()
		}
	}
}

// section writes lines under a heading. Without lines it writes nothing.
func (h *helpWriter) section(title, lines string) {
	if lines == "" {
		return
	}
	h.start()
	h.WriteString(title + ":\n" + strings.Trim(lines, "\n") + "\n")
}

// commands lists the commands below cmd in their groups.
func (h *helpWriter) commands(cmd *cobra.Command) {
	groups := cmd.Groups()
	if len(groups) == 0 {
		groups = []*cobra.Group{{Title: "Commands"}}
	}
	for _, group := range groups {
		var rows []row
		for _, sub := range cmd.Commands() {
			if !sub.Hidden && sub.GroupID == group.ID {
				rows = append(rows, row{sub.Name(), sub.Short})
			}
		}
		h.rows(group.Title, rows, commandColumn)
	}
}

// flagRows lists the flags of a command that belong to a group.
func flagRows(cmd *cobra.Command, group flagGroup) []row {
	var rows []row
	for _, flag := range listedFlags(cmd) {
		if groupOf(flag) == group {
			rows = append(rows, flagRow(flag))
		}
	}
	return rows
}

// commonRows lists the flags of a command that the short help shows, without defaults and
// details.
func commonRows(cmd *cobra.Command) []row {
	var rows []row
	for _, flag := range listedFlags(cmd) {
		if slices.Contains(commonFlags, flag.Name) {
			row := flagRow(flag)
			row.meaning, _, _ = strings.Cut(row.meaning, " (")
			row.meaning, _, _ = strings.Cut(row.meaning, "; ")
			rows = append(rows, row)
		}
	}
	return rows
}

// useLine says how a command is called.
func useLine(cmd *cobra.Command) string {
	if cmd.HasAvailableSubCommands() {
		return cmd.CommandPath() + " COMMAND [flags]"
	}
	return cmd.UseLine()
}

// A row is a name and what it means.
type row struct{ name, meaning string }

// Where the meaning of a row begins.
const (
	commandColumn = 14
	flagColumn    = 27
)

// rows writes rows under a heading. Without rows it writes nothing. A name that is too long
// for its column gets a line of its own.
func (h *helpWriter) rows(title string, rows []row, column int) {
	if len(rows) == 0 {
		return
	}
	h.start()
	h.WriteString(title + ":\n")
	column = min(column, h.width/2)
	blanks := strings.Repeat(" ", column)
	for _, row := range rows {
		line := "  " + row.name
		for _, text := range manual.Wrap(row.meaning, h.width-column) {
			if used := utf8.RuneCountInString(line); used+2 > column && used > 0 {
				h.WriteString(line + "\n")
				line = ""
			}
			line += blanks[utf8.RuneCountInString(line):] + text
			h.WriteString(line + "\n")
			line = ""
		}
	}
}

// flagRow says how a flag is written, what it means and its default.
func flagRow(flag *pflag.Flag) row {
	value, meaning := pflag.UnquoteUsage(flag)
	name := "    --" + flag.Name
	if flag.Shorthand != "" {
		name = "-" + flag.Shorthand + ", --" + flag.Name
	}
	switch {
	case value == "":
	case flag.NoOptDefVal != "": // a value behind a blank would be an argument
		name += "[=" + value + "]"
	default:
		name += " " + value
	}
	switch flag.DefValue {
	case "", "false", "0", "0s", "[]":
	default:
		meaning += " (default: " + flag.DefValue + ")"
	}
	return row{name, meaning}
}

// listedFlags returns the flags of a command in the order in which they were
// declared, without hidden ones.
func listedFlags(cmd *cobra.Command) []*pflag.Flag {
	cmd.InitDefaultHelpFlag() // also brings the flags of the commands above
	cmd.Flags().SortFlags = false
	var flags []*pflag.Flag
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			flags = append(flags, flag)
		}
	})
	return flags
}

func firstParagraph(text string) string {
	first, _, _ := strings.Cut(text, "\n\n")
	return first
}

// firstExamples returns the first n examples of a text, each with the comment above
// it and the lines that continue it.
func firstExamples(text string, n int) string {
	var taken []string
	for lines := strings.Split(strings.Trim(text, "\n"), "\n"); len(lines) > 0 && n > 0; n-- {
		size := exampleSize(lines)
		taken, lines = append(taken, lines[:size]...), lines[size:]
	}
	return strings.Join(taken, "\n")
}

// exampleSize returns how many lines the first example has.
func exampleSize(lines []string) int {
	for i, line := range lines {
		line = strings.TrimSpace(line)
		isBefore := line == "" || strings.HasPrefix(line, "#")
		if !isBefore && !strings.HasSuffix(line, `\`) {
			return i + 1
		}
	}
	return len(lines)
}
