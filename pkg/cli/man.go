package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/internal/manual"
)

// A Page is a manual page: of a command in section 1, of a topic in section 7.
type Page struct {
	Name    string // "tagbump-update"
	Section int
	about   string // in one line
	blocks  []manual.Block
}

// Roff returns the page for man's macros. date is printed as it is, and may be empty.
func (p Page) Roff(date, version string) string {
	about := []manual.Block{{Kind: manual.Heading, Text: "Name"}, {Kind: manual.Paragraph, Text: p.Name + " - " + p.about}}
	return fmt.Sprintf(".TH %q %d %q %q tagbump\n", strings.ToUpper(p.Name), p.Section, date, "tagbump "+version) +
		manual.Roff(append(about, p.blocks...))
}

// Pages returns the pages of the commands below root, of root itself, and of all topics.
func Pages(root *cobra.Command) []Page {
	pages := []Page{pageOf(root)}
	for _, cmd := range commandsBelow(root) {
		pages = append(pages, pageOf(cmd))
	}
	for _, name := range topicNames() {
		topic, _ := topicOf(root, name)
		pages = append(pages, topic.page())
	}
	return pages
}

func (t topic) page() Page {
	return Page{Name: "tagbump-" + t.name, Section: 7, about: t.title, blocks: t.blocks[1:]}
}

// pageOf returns what the whole help of a command has, as a page.
func pageOf(cmd *cobra.Command) Page {
	page := Page{Name: strings.ReplaceAll(cmd.CommandPath(), " ", "-"), Section: 1, about: cmd.Short}
	add := func(title string, blocks ...manual.Block) {
		if len(blocks) > 0 {
			page.blocks = append(append(page.blocks, manual.Block{Kind: manual.Heading, Text: title}), blocks...)
		}
	}
	add("Synopsis", manual.Block{Kind: manual.Code, Text: useLine(cmd)})
	add("Description", prose(cmp.Or(cmd.Long, cmd.Short))...)
	var below []row
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			below = append(below, row{sub.Name(), sub.Short})
		}
	}
	add("Commands", table(below)...)
	if cmd.Example != "" {
		add("Examples", manual.Block{Kind: manual.Code, Text: strings.Trim(cmd.Example, "\n")})
	}
	for _, group := range flagGroups {
		add(string(group), table(flagRows(cmd, group))...)
	}
	add("Exit codes", prose(exitCodeLine()+".")...)
	return page
}

// prose returns the paragraphs of a text. Lines that begin with a blank stay as they are.
func prose(text string) []manual.Block {
	var blocks []manual.Block
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		kind, lines := manual.Paragraph, []string(nil)
		flush := func() {
			if text := strings.Join(lines, "\n"); kind == manual.Code {
				blocks = append(blocks, manual.Block{Kind: kind, Text: text})
			} else if text != "" {
				blocks = append(blocks, manual.Block{Kind: kind, Text: manual.Literal(strings.ReplaceAll(text, "\n", " "))})
			}
			lines = nil
		}
		for line := range strings.SplitSeq(paragraph, "\n") {
			now := manual.Paragraph
			if strings.HasPrefix(line, " ") {
				now = manual.Code
			}
			if now != kind {
				flush()
				kind = now
			}
			lines = append(lines, line)
		}
		flush()
	}
	return blocks
}

// table returns a table of rows. Without rows it returns nothing.
func table(rows []row) []manual.Block {
	if len(rows) == 0 {
		return nil
	}
	cells := [][]string{{"", ""}}
	for _, row := range rows {
		cells = append(cells, []string{"**" + manual.Literal(strings.TrimSpace(row.name)) + "**", manual.Literal(row.meaning)})
	}
	return []manual.Block{{Kind: manual.Table, Rows: cells}}
}

func newMan(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "man [COMMAND | TOPIC]",
		GroupID: groupMore,
		Short:   "Print a manual page",
		Long: `Man prints the manual page of a command or a topic, as the program man reads it.
Without an argument it is the page of tagbump. The archives and packages of a
release have all pages, in their places.`,
		Example: "  tagbump man update | man -l -\n  tagbump man policies > tagbump-policies.7",
		RunE: func(cmd *cobra.Command, args []string) error {
			page, err := pageAt(cmd.Root(), args)
			if err != nil {
				return err
			}
			_, err = io.WriteString(env.Stdout, page.Roff("", versionText()))
			return err
		},
		ValidArgsFunction: completeSubjects,
	}
}

func pageAt(root *cobra.Command, words []string) (Page, error) {
	if cmd := commandAt(root, words); cmd != nil {
		return pageOf(cmd), nil
	}
	if topic, found := topicOf(root, words[0]); found && len(words) == 1 {
		return topic.page(), nil
	}
	return Page{}, noSubject(root, "man", words)
}
