package cli

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/internal/manual"
)

// topicFiles are the texts of `tagbump help TOPIC`, one file each. The first line is
// the title. A placeholder marks each list that the program knows itself.
//
//go:embed topics/*.md
var topicFiles embed.FS

// placeholders of topics, each with what comes in its place.
var topicLists = map[string]func(root *cobra.Command) string{
	"<!-- flags -->":      flagTables,
	"<!-- keys -->":       func(*cobra.Command) string { return keyTable() },
	"<!-- exit-codes -->": func(*cobra.Command) string { return exitCodeTable() },
}

// A topic is a help text that belongs to no single command.
type topic struct {
	name, title string
	blocks      []manual.Block
}

// topicNames returns the names of all topics, in alphabetical order.
func topicNames() []string {
	entries, err := topicFiles.ReadDir("topics")
	if err != nil {
		panic(err) // the folder is embedded
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = strings.TrimSuffix(entry.Name(), ".md")
	}
	return names
}

// topicOf returns the topic with a name. The commands of root fill its lists.
func topicOf(root *cobra.Command, name string) (topic, bool) {
	src, err := topicFiles.ReadFile(path.Join("topics", name+".md"))
	if err != nil {
		return topic{}, false
	}
	text := string(src)
	for mark, list := range topicLists {
		if strings.Contains(text, mark) {
			text = strings.ReplaceAll(text, mark, list(root))
		}
	}
	blocks := manual.Parse(text)
	return topic{name, blocks[0].Text, blocks}, true
}

func (t topic) text(width int) string {
	return manual.Text(t.blocks, manual.Layout{Width: width})
}

// topicList is what `tagbump help` prints.
func topicList(width int) string {
	h := &helpWriter{width: width}
	var rows []row
	for _, name := range topicNames() {
		topic, _ := topicOf(nil, name)
		rows = append(rows, row{name, topic.title})
	}
	h.rows("Topics, for tagbump help TOPIC", rows, topicColumn)
	h.paragraphs("tagbump --help lists the commands, tagbump help COMMAND explains one.")
	return h.String()
}

const topicColumn = 18

// keyTable lists the keys of the project file.
func keyTable() string {
	var b strings.Builder
	b.WriteString("| key | meaning |\n|---|---|\n")
	for _, key := range config.Keys() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", key.Path, strings.ReplaceAll(manual.Literal(key.Meaning), "|", `\|`))
	}
	return b.String()
}

// flagTables lists the flags of all commands, a table for each group.
func flagTables(root *cobra.Command) string {
	if root == nil {
		return ""
	}
	var b strings.Builder
	all := allFlags(root)
	for _, group := range flagGroups {
		fmt.Fprintf(&b, "\n## %s\n\n| flag | meaning |\n|---|---|\n", group)
		for _, use := range all {
			if groupOf(use.flag) == group {
				row := flagRow(use.flag)
				fmt.Fprintf(&b, "| `%s` | %s%s |\n", cell(strings.TrimSpace(row.name)), cell(row.meaning), use.commandsText())
			}
		}
	}
	return b.String()
}

// cell protects the bars of a text in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// A flagUse is a flag and the commands that have it.
type flagUse struct {
	flag     *pflag.Flag
	commands []string
}

// commandsText names the commands of a flag that update does not have.
func (u flagUse) commandsText() string {
	if slices.Contains(u.commands, "update") {
		return ""
	}
	return " (" + strings.Join(u.commands, ", ") + ")"
}

// allFlags returns the flags of all commands by name.
func allFlags(root *cobra.Command) []flagUse {
	var all []flagUse
	for _, cmd := range commandsBelow(root) {
		for _, flag := range listedFlags(cmd) {
			if flag.Name == "help" {
				continue
			}
			name := strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")
			at := slices.IndexFunc(all, func(use flagUse) bool { return use.flag.Name == flag.Name })
			if at < 0 {
				all = append(all, flagUse{flag, []string{name}})
				continue
			}
			all[at].commands = append(all[at].commands, name)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].flag.Name < all[j].flag.Name })
	return all
}

// commandsBelow returns the commands that a person may type, at any depth.
func commandsBelow(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, sub := range cmd.Commands() {
		if !sub.Hidden && sub.Name() != "completion" {
			all = append(all, sub)
			all = append(all, commandsBelow(sub)...)
		}
	}
	return all
}
