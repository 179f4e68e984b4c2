package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/result"
	"github.com/tagbump/tagbump/pkg/wire"
)

// allCommands returns root and all commands below it.
func allCommands() []*cobra.Command {
	root := newRoot(&Env{})
	return append([]*cobra.Command{root}, commandsBelow(root)...)
}

// TestEveryFlagIsInAGroupOfTheHelp also holds that a flag calls its value by a word
// of its own, as in --file GLOB.
func TestEveryFlagIsInAGroupOfTheHelp(t *testing.T) {
	for _, cmd := range allCommands() {
		for _, flag := range listedFlags(cmd) {
			if len(flag.Annotations[annotationGroup]) == 0 || !slices.Contains(flagGroups, groupOf(flag)) {
				t.Errorf("%s: --%s is in no group: inGroup(cmd, group…, %q)", cmd.CommandPath(), flag.Name, flag.Name)
			}
			if value, _ := pflag.UnquoteUsage(flag); value != "" && !strings.Contains(flag.Usage, "`") {
				t.Errorf("%s: --%s %s: put the name of the value in backquotes", cmd.CommandPath(), flag.Name, value)
			}
		}
	}
}

func TestEveryCommandIsExplained(t *testing.T) {
	for _, cmd := range allCommands() {
		switch {
		case cmd.Short == "":
			t.Errorf("%s has no Short", cmd.CommandPath())
		case cmd.Example == "" && cmd.Runnable():
			t.Errorf("%s has no Example", cmd.CommandPath())
		case cmd.HasParent() && !cmd.Parent().HasParent() && cmd.GroupID == "":
			t.Errorf("%s has no GroupID", cmd.CommandPath())
		}
	}
}

func TestHelpFitsOnAScreen(t *testing.T) {
	const mostLines, width = 40, 80
	for _, cmd := range allCommands() {
		for _, size := range []helpSize{shortHelp, wholeHelp} {
			text := helpOf(cmd, size, width)
			if n := strings.Count(text, "\n"); size == shortHelp && n > mostLines {
				t.Errorf("%s -h has %d lines:\n%s", cmd.CommandPath(), n, text)
			}
			for line := range strings.Lines(text) {
				if n := utf8.RuneCountInString(line) - 1; n > width {
					t.Errorf("%s: %d columns: %s", cmd.CommandPath(), n, line)
				}
			}
		}
	}
}

// runFor returns the exit code, stdout and stderr of a command line.
func runFor(t *testing.T, env Env, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env.Args, env.Stdout, env.Stderr = args, &out, &errs
	if env.Getenv == nil {
		env.Getenv = func(string) string { return "" }
	}
	code = Run(context.Background(), env)
	return code, out.String(), errs.String()
}

func TestHelpHasTwoSizes(t *testing.T) {
	_, short, _ := runFor(t, Env{}, "update", "-h")
	_, whole, _ := runFor(t, Env{}, "update", "--help")
	_, asked, _ := runFor(t, Env{}, "help", "update")
	if whole != asked || len(short)*2 > len(whole) {
		t.Errorf("-h has %d bytes, --help %d, help update %d", len(short), len(whole), len(asked))
	}
	for _, want := range []string{"\nWhat:\n", "\nLog-in:\n", " --pr[=auto] ", "\nExit codes: 0 done, ", "TAGBUMP_DRY_RUN=true"} {
		if !strings.Contains(whole, want) {
			t.Errorf("--help does not have %q", want)
		}
	}
	if _, bare, _ := runFor(t, Env{}); !strings.Contains(bare, "\nChange:\n") || strings.Contains(bare, "\nOutput:\n") {
		t.Errorf("tagbump alone prints:\n%s", bare)
	}
}

func TestHelpFollowsTheWidthOfTheTerminal(t *testing.T) {
	for given, want := range map[int]int{0: 80, 10: 40, 60: 60, 300: 100} {
		widest := 0
		_, text, _ := runFor(t, Env{Terminal: Terminal{Width: given}}, "help", "refusals")
		for line := range strings.Lines(text) {
			widest = max(widest, utf8.RuneCountInString(line)-1)
		}
		if widest > want || widest < want-8 {
			t.Errorf("a terminal of %d columns: the widest line has %d", given, widest)
		}
	}
}

func TestHelpOfWhatDoesNotExist(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"help", "nope"}, "error: help: \"nope\" is not a command or topic\nhint: tagbump --help lists the commands, tagbump help the topics\n"},
		{[]string{"help", "credential"}, "error: help: \"credential\" is not a command or topic; did you mean credentials?\nhint: tagbump --help lists the commands, tagbump help the topics\n"},
		{[]string{"help", "config", "chek"}, "error: help: \"config chek\" is not a command or topic; did you mean config?\nhint: tagbump --help lists the commands, tagbump help the topics\n"},
	}
	for _, test := range tests {
		code, out, errs := runFor(t, Env{}, test.args...)
		if code != 2 || out != "" || errs != test.want {
			t.Errorf("%v: exit code %d\n%s%s", test.args, code, out, errs)
		}
	}
}

// documents returns the texts that a person reads: topics, help and README.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, name := range topicNames() {
		src, err := topicFiles.ReadFile("topics/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		all["topics/"+name+".md"] = string(src)
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	all["README.md"] = string(readme)
	for _, cmd := range allCommands() {
		all[cmd.CommandPath()+" --help"] = helpOf(cmd, wholeHelp, 1000)
	}
	return all
}

// flagsOfOthers are flags of other programs that the documents name.
var flagsOfOthers = []string{"format", "remote-name-all", "metadata-file", "depth", "interval", "git", "rebase", "server", "auth-token", "plaintext", "insecure", "grpc-web", "grpc-web-root-path", "server-crt", "header", "health", "operation"}

var (
	flagWord     = regexp.MustCompile("(?m)(?:^|[ `(\"/,])--([a-z][a-z0-9-]*)")
	variableWord = regexp.MustCompile(`TAGBUMP_[A-Z0-9_]+`)
	commandWord  = regexp.MustCompile("(?:`|\\$ )tagbump ([a-z]+)")
)

// TestDocumentsNameOnlyWhatExists holds flags, variables, commands and topics.
func TestDocumentsNameOnlyWhatExists(t *testing.T) {
	root := newRoot(&Env{})
	variables := knownVariables(root)
	known := slices.Clone(flagsOfOthers)
	for _, use := range allFlags(root) {
		known = append(known, use.flag.Name)
	}
	known = append(known, "help", "version", "no-descriptions")
	for name, text := range documents(t) {
		for _, match := range flagWord.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(known, match[1]) {
				t.Errorf("%s: --%s is not a flag", name, match[1])
			}
		}
		for _, variable := range variableWord.FindAllString(text, -1) {
			if !slices.Contains(variables, variable) && !result.IsVariable(variable) && !strings.HasSuffix(variable, "_") {
				t.Errorf("%s: %s is not a variable", name, variable)
			}
		}
		for _, match := range commandWord.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(commandNames(root), match[1]) {
				t.Errorf("%s: tagbump %s is not a command", name, match[1])
			}
		}
		for _, match := range regexp.MustCompile("tagbump help ([a-z-]+)").FindAllStringSubmatch(text, -1) {
			if !slices.Contains(append(topicNames(), commandNames(root)...), match[1]) && match[1] != "the" {
				t.Errorf("%s: there is no topic %s", name, match[1])
			}
		}
	}
}

func TestTopicsAreComplete(t *testing.T) {
	root := newRoot(&Env{})
	text := func(name string) string {
		topic, found := topicOf(root, name)
		if !found {
			t.Fatalf("there is no topic %s", name)
		}
		return topic.text(80)
	}
	flags := text("flags")
	for _, use := range allFlags(root) {
		if !strings.Contains(flags, "--"+use.flag.Name) {
			t.Errorf("help flags: --%s is missing", use.flag.Name)
		}
	}
	projectFile := text("project-file")
	for _, key := range config.Keys() {
		if !strings.Contains(projectFile, key.Path) {
			t.Errorf("help project-file: %s is missing", key.Path)
		}
	}
	environment, credentials := text("environment"), text("credentials")
	for _, name := range wire.Variables() {
		if !strings.Contains(environment, name) {
			t.Errorf("help environment: %s is missing", name)
		}
	}
	for _, name := range wire.SecretVariables() {
		if !strings.Contains(environment+credentials+text("argocd"), name) {
			t.Errorf("help credentials: %s is missing", name)
		}
	}
}

// TestExitCodesAreExplained holds that every code that a run can end with is in the
// table, and no other.
func TestExitCodesAreExplained(t *testing.T) {
	var want, got []string
	for _, meaning := range exitMeanings {
		got = append(got, strings.Split(meaning.code, ", ")...)
	}
	codes := append([]int{exitDone, exitChanges, 130, 143}, exitCodes[:]...)
	slices.Sort(codes)
	for _, code := range codes {
		want = append(want, strconv.Itoa(code))
	}
	if !slices.Equal(got, want) {
		t.Errorf("explained are %v, want %v", got, want)
	}
	topic, _ := topicOf(nil, "exit-codes")
	if text := topic.text(80); !strings.Contains(text, "  4         guard: the tag is older") {
		t.Errorf("help exit-codes:\n%s", text)
	}
}

// preformatted is what a page shows as it is written.
var preformatted = regexp.MustCompile(`(?s)\.nf\n.*?\.fi\n`)

func TestManualPages(t *testing.T) {
	root := Commands()
	pages := map[string]string{}
	for _, page := range Pages(root) {
		name := fmt.Sprintf("%s.%d", page.Name, page.Section)
		text := page.Roff("Jan 2026", "1.2.3")
		pages[name] = text
		if page.about == "" || strings.ContainsAny(page.about, "\\\n") || strings.Contains(text, "<!--") {
			t.Errorf("%s: %q, page\n%s", name, page.about, text)
		}
		prose := preformatted.ReplaceAllString(text, "")
		for _, mark := range []string{"](", "\n#", "|--", "| "} {
			if strings.Contains(prose, mark) {
				t.Errorf("%s has Markdown's %q:\n%s", name, mark, prose)
			}
		}
	}
	if want := len(topicNames()) + len(commandsBelow(root)) + 1; len(pages) != want {
		t.Errorf("%d pages, want %d", len(pages), want)
	}
	for name, want := range map[string][]string{
		"tagbump.1": {
			".TH \"TAGBUMP\" 1 \"Jan 2026\" \"tagbump 1.2.3\" tagbump\n.SH NAME\n.PP\ntagbump \\- ",
			"\n.SH COMMANDS\n", "\n.TP\n\\fBupdate\\fR\nResolve the tag",
		},
		"tagbump-update.1": {
			".SH SYNOPSIS\n.PP\n.RS 4\n.nf\ntagbump update [IMAGE[:TAG]...] [flags]\n.fi\n",
			".TP\n\\fB\\-n, \\-\\-dry\\-run\\fR\n", ".SH EXIT CODES\n",
		},
		"tagbump-config-schema.1": {"\n.nf\n  # yaml\\-language\\-server: $schema=tagbump.schema.json\n.fi\n"},
		"tagbump-flags.7":         {`\-\-dry\-run`},
	} {
		for _, part := range want {
			if !strings.Contains(pages[name], part) {
				t.Errorf("%s has no %q:\n%s", name, part, pages[name])
			}
		}
	}
}

func TestManPrintsAPage(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"man"}, 0, ".TH \"TAGBUMP\" 1 "},
		{[]string{"man", "config", "check"}, 0, ".TH \"TAGBUMP-CONFIG-CHECK\" 1 "},
		{[]string{"man", "policies"}, 0, ".TH \"TAGBUMP-POLICIES\" 7 "},
		{[]string{"man", "policy"}, 2, "error: man: \"policy\" is not a command or topic"},
		{[]string{"man", "policies", "now"}, 2, "error: man: \"policies now\" is not a command or topic"},
	} {
		code, out, errs := runFor(t, Env{}, test.args...)
		if code != test.code || !strings.HasPrefix(out+errs, test.want) {
			t.Errorf("%q: code %d, %.80s", test.args, code, out+errs)
		}
	}
}
