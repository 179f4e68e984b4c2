// Command licenses writes the licences of everything that is linked into tagbump:
// the modules of all systems that it is built for, and Go itself. Each distinct text
// is written once, after the modules that it is for. The output is compressed: in full it
// would be a sixtieth of the program.
//
//	go run ./pkg/internal/licenses > pkg/cli/licenses.txt.gz
package main

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// systems are those that tagbump is built for.
var systems = []string{"darwin", "linux", "windows"}

// licenseName matches the files that have to come along with a program.
var licenseName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// A module is linked into the program.
type module struct {
	Path, Version, Dir string
}

// name is the module with its version; Go itself has none, so that another patch
// release does not change the text.
func (m module) name() string { return strings.TrimSpace(m.Path + " " + m.Version) }

func main() {
	log.SetFlags(0)
	text, err := notices("github.com/tagbump/tagbump/cmd/tagbump")
	if err != nil {
		log.Fatal(err)
	}
	if err := compress(os.Stdout, text); err != nil {
		log.Fatal(err)
	}
}

// compress writes text as gzip, without a name or a time.
func compress(to io.Writer, text string) error {
	w, err := gzip.NewWriterLevel(to, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	return w.Close()
}

// notices returns the licences of what a package's program is linked from.
func notices(pkg string) (string, error) {
	modules, err := linked(pkg)
	if err != nil {
		return "", err
	}
	owners := make(map[string][]string) // modules by text
	for _, m := range modules {
		texts, err := licensesOf(m.Dir)
		if err != nil {
			return "", fmt.Errorf("%s: %w", m.name(), err)
		}
		for _, text := range texts {
			owners[text] = append(owners[text], m.name())
		}
	}
	return render(owners), nil
}

// linked returns the modules of all systems, sorted, and Go itself.
func linked(pkg string) ([]module, error) {
	found := make(map[string]module)
	for _, system := range systems {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", pkg)
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", system, err)
		}
		for line := range strings.Lines(string(out)) {
			if fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(fields) == 3 {
				found[fields[0]] = module{fields[0], fields[1], fields[2]}
			}
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	modules := []module{{Path: "Go", Dir: strings.TrimSpace(string(root))}}
	for _, m := range found {
		modules = append(modules, m)
	}
	slices.SortFunc(modules, func(a, b module) int { return cmp.Compare(a.Path, b.Path) })
	return modules, nil
}

// licensesOf returns the texts in a module's root folder.
func licensesOf(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, entry := range entries {
		if entry.IsDir() || !licenseName.MatchString(entry.Name()) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		texts = append(texts, clean(string(content)))
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("%s has no licence", dir)
	}
	return texts, nil
}

// clean drops what does not make two texts different: line ends and blanks at the
// ends of lines.
func clean(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\f")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n") + "\n"
}

// render writes each text after its owners, ordered by the first of them.
func render(owners map[string][]string) string {
	texts := make([]string, 0, len(owners))
	for text := range owners {
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int {
		return cmp.Or(cmp.Compare(owners[a][0], owners[b][0]), cmp.Compare(a, b))
	})
	var b strings.Builder
	for _, text := range texts {
		line := strings.Repeat("=", 80)
		fmt.Fprintf(&b, "%s\n%s\n%s\n\n%s\n", line, strings.Join(owners[text], "\n"), line, text)
	}
	return b.String()
}
