// Command repositories updates the images of real repositories and compares what
// changed with what a careful person would have changed.
//
// The person is an oracle of its own: patterns over the lines of the raw text,
// without a YAML parser and without any code of tagbump's. For each image of each
// repository the program runs "tagbump update" in a copy, asks git for the changed
// lines, and sorts the run into one of the [Verdict]s. Nothing is sent anywhere:
// the tags are invented and tagbump is told not to ask a registry.
//
// The oracle reads lines and can be wrong, so each run that is not exact is printed
// with its lines, to be judged by a person.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	binary := flag.String("binary", "bin/tagbump", "the program under test")
	most := flag.Int("most", 60, "images tried in one repository, spread over all")
	only := flag.String("only", "", "try only images whose name contains this text")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: repositories [flags] FOLDER, which holds one folder for each repository")
		os.Exit(2)
	}
	if err := run(os.Stdout, *binary, flag.Arg(0), *most, *only); err != nil {
		fmt.Fprintln(os.Stderr, "repositories:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, binary, folder string, most int, only string) error {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	total := Row{Repository: "all"}
	var rows []Row
	for _, entry := range entries {
		dir, err := filepath.EvalSymlinks(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		row, err := tryRepository(w, binary, dir, most, only)
		if err != nil {
			return fmt.Errorf("%s: %w", entry.Name(), err)
		}
		rows = append(rows, row)
		total.add(row)
	}
	return printRows(w, append(rows, total))
}

// A Row counts the verdicts of one repository.
type Row struct {
	Repository    string
	Files, Images int
	Lines         int // written
	Asked         int // runs that needed --all
	Count         [len(verdicts)]int
}

func (r *Row) add(other Row) {
	r.Files += other.Files
	r.Images += other.Images
	r.Lines += other.Lines
	r.Asked += other.Asked
	for i, n := range other.Count {
		r.Count[i] += n
	}
}

// tryRepository updates the images of one repository, each in a fresh copy.
func tryRepository(w io.Writer, binary, dir string, most int, only string) (Row, error) {
	row := Row{Repository: filepath.Base(dir)}
	files, err := readFiles(dir)
	if err != nil {
		return row, err
	}
	copied, err := newCopy(dir)
	if err != nil {
		return row, err
	}
	defer copied.remove()
	row.Files = len(files)
	for _, img := range spread(imagesOf(files), most) {
		if !strings.Contains(img.Name, only) {
			continue
		}
		got, err := copied.update(binary, img)
		if err != nil {
			return row, err
		}
		row.Images++
		row.Lines += len(got.Changed)
		if got.Asked {
			row.Asked++
		}
		verdict := judge(img, got)
		row.Count[verdict]++
		printCase(w, row.Repository, verdict, img, got)
	}
	return row, nil
}

// spread picks at most most of the images, from all parts of the list.
func spread(images []Image, most int) []Image {
	if len(images) <= most {
		return images
	}
	picked := make([]Image, most)
	for i := range picked {
		picked[i] = images[i*len(images)/most]
	}
	return picked
}

// printCase prints a run that is not exact, with the lines that differ.
func printCase(w io.Writer, repository string, verdict Verdict, img Image, got Run) {
	if verdict == Exact {
		return
	}
	fmt.Fprintf(w, "%s: %s %s:%s (exit %d)\n", strings.ToUpper(verdict.String()), repository, img.Name, got.Tag, got.Exit)
	var lines []string
	for _, at := range got.unexpected(img) {
		lines = append(lines, fmt.Sprintf("changed  %s: %s\n             instead of: %s", at, strings.TrimSpace(got.Changed[at]), strings.TrimSpace(got.Before[at])))
	}
	for _, p := range img.Places {
		if after, ok := got.Changed[p.at()]; ok {
			lines = append(lines, fmt.Sprintf("%-8s %s: %s", p.Kind, p.at(), strings.TrimSpace(after)))
		} else if p.Kind != Optional {
			lines = append(lines, fmt.Sprintf("left     %s: %s", p.at(), strings.TrimSpace(p.Text)))
		}
	}
	for i, text := range lines {
		if i == 12 {
			fmt.Fprintf(w, "    … %d more\n", len(lines)-i)
			break
		}
		fmt.Fprintf(w, "    %s\n", text)
	}
	if text := strings.TrimSpace(got.Message); text != "" {
		fmt.Fprintf(w, "    says     %s\n", strings.ReplaceAll(shorten(text), "\n", "\n             "))
	}
}

func shorten(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = line[:min(len(line), 300)]
	}
	return strings.Join(lines[:min(len(lines), 6)], "\n")
}

func printRows(w io.Writer, rows []Row) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "\nrepository\tYAML files\timages\tlines written\twith --all\t")
	for v := range verdicts {
		fmt.Fprintf(table, "%s\t", Verdict(v))
	}
	fmt.Fprintln(table)
	slices.SortStableFunc(rows[:len(rows)-1], func(a, b Row) int { return cmp.Compare(a.Repository, b.Repository) })
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t", r.Repository, r.Files, r.Images, r.Lines, r.Asked)
		for _, n := range r.Count {
			fmt.Fprintf(table, "%d\t", n)
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}
