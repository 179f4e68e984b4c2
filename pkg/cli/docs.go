package cli

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/internal/manual"
)

// Commands returns the tree of all commands, with their flags and examples, for
// programs that write manual pages from it. Its environment is empty.
func Commands() *cobra.Command {
	return newRoot(&Env{
		Stdout: io.Discard, Stderr: io.Discard,
		Getenv: func(string) string { return "" }, Now: time.Now,
	})
}

// A Topic is a text of `tagbump help TOPIC`, for programs that write manual pages.
type Topic struct {
	Name, Title string
	Roff        string // all but the title, for man's macros
}

// Topics returns the topics of the help by name. The commands of root fill their lists.
func Topics(root *cobra.Command) []Topic {
	var all []Topic
	for _, name := range topicNames() {
		topic, _ := topicOf(root, name)
		all = append(all, Topic{Name: name, Title: topic.title, Roff: manual.Roff(topic.blocks[1:])})
	}
	return all
}
