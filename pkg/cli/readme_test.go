package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/demo"
)

// readmeURL is what the README says instead of the repository that the test makes.
const readmeURL = "https://github.com/acme/helm-charts.git"

// TestReadmeConsoleBlocks runs every console block of the README, from top to
// bottom, on the demo's registry and repository, and compares what it prints.
func TestReadmeConsoleBlocks(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2024, 6, 15, 12, 31, 0, 0, time.UTC)
	bed, err := demo.Start(context.Background(), now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bed.Close() }()
	path := bed.Repository()
	commands := consoleCommands(string(readme))
	if len(commands) < 3 {
		t.Fatalf("the README has %d console commands", len(commands))
	}
	for _, command := range commands {
		var out bytes.Buffer
		Run(context.Background(), Env{
			Args: words(strings.ReplaceAll(command.line, readmeURL, path))[1:], Stdout: &out, Stderr: &out, Dir: bed.Dir(),
			Getenv: func(string) string { return "" }, Now: func() time.Time { return now }, Transport: bed.Transport(),
		})
		got := strings.ReplaceAll(out.String(), path, readmeURL)
		if pushedCommit.ReplaceAllString(got, "pushed COMMIT") != pushedCommit.ReplaceAllString(command.output, "pushed COMMIT") {
			t.Errorf("$ %s\ngot:\n%swant:\n%s", command.line, got, command.output)
		}
	}
}

// pushedCommit is what differs when any byte of the commit does.
var pushedCommit = regexp.MustCompile(`pushed [0-9a-f]{10}`)

type consoleCommand struct{ line, output string }

var consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)```")

func consoleCommands(text string) []consoleCommand {
	var commands []consoleCommand
	for _, block := range consoleBlock.FindAllStringSubmatch(text, -1) {
		for _, part := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			line, output, _ := strings.Cut(strings.ReplaceAll(part, "\\\n", ""), "\n")
			output = strings.TrimRight(output, "\n")
			if output != "" {
				output += "\n"
			}
			commands = append(commands, consoleCommand{line, output})
		}
	}
	return commands
}

// words splits a command line at blanks, as a shell does where nothing but
// single quotes is special.
func words(line string) []string {
	var all []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, part)
		} else {
			all = append(all, strings.Fields(part)...)
		}
	}
	return all
}

// TestReadmeProjectFileIsOne parses the project file of the README.
func TestReadmeProjectFileIsOne(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(readme), "```yaml\nrepository:")
	block, _, _ = strings.Cut(block, "```")
	if _, err := config.Parse("README.md", []byte("repository:"+block)); err != nil || !found {
		t.Errorf("found %t: %v", found, err)
	}
}
