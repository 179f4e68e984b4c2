// Command stats prints how the code of this module is made: the length and the
// complexity of its functions, its tests and comments, its exported names and its
// repetitions, a row for each package.
//
// Lines of a function are those of its declaration. Test lines are those of
// _test.go files; data lines those of the package's testdata. Cognitive complexity
// is counted as SonarSource defines it, without recursion. "Unused" are exported
// names, fields left out, that no other package of the module names; methods that
// only serve an interface are among them. A repetition is a run of at least 60
// tokens that occurs twice when names and literals are ignored.
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
)

func main() {
	patterns := os.Args[1:]
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	if err := run(os.Stdout, patterns); err != nil {
		fmt.Fprintln(os.Stderr, "stats:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, patterns []string) error {
	packages, err := load(patterns)
	if err != nil {
		return err
	}
	used := usedElsewhere(packages)
	total := Stats{Name: "all"}
	var rows []Stats
	for _, p := range packages {
		row := measure(p, used)
		rows = append(rows, row)
		total.add(row)
	}
	repetitions := repeated(packages)
	if err := printTable(w, append(rows, total)); err != nil {
		return err
	}
	return printLists(w, rows, repetitions)
}

var header = "package\tsource\ttest\ttest/source\tdata\tcomments\tfunctions\tlines mean\tmedian\tP90\tmax\tlongest\tcyclomatic P90\tmax\tcognitive P90\tmax\tparameters max\tbool parameters\texported\tdocumented\tunused\tpackage variables"

func printTable(w io.Writer, rows []Stats) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, header+"\t")
	for _, s := range rows {
		longest := s.longest()
		fmt.Fprintf(table, "%s\t%d\t%d\t%.2f\t%d\t%s\t%d\t%.1f\t%d\t%d\t%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t%d\t\n",
			s.Name, s.Source, s.Test, ratio(s.Test, s.Source), s.Data, percent(s.Comments, s.Source),
			len(s.Functions), s.meanLines(), s.quantile(0.5, lines), s.quantile(0.9, lines), longest.Lines, longest.Name,
			s.quantile(0.9, cyclomatic), s.quantile(1, cyclomatic), s.quantile(0.9, cognitive), s.quantile(1, cognitive),
			s.quantile(1, parameters), s.BoolParameters, s.Exported, percent(s.Documented, s.Exported), len(s.Unused), s.Variables)
	}
	return table.Flush()
}

func printLists(w io.Writer, rows []Stats, repetitions []Repetition) error {
	fmt.Fprintf(w, "\n%d repetitions\n", len(repetitions))
	for _, r := range repetitions[:min(10, len(repetitions))] {
		fmt.Fprintf(w, "  %s and %s, %d lines\n", r.First, r.Second, r.Lines)
	}
	fmt.Fprintln(w, "\nexported, used by no other package")
	for _, s := range rows {
		if len(s.Unused) > 0 {
			fmt.Fprintf(w, "  %s: %d of %d: %v\n", s.Name, len(s.Unused), s.Exported, s.Unused)
		}
	}
	_, err := fmt.Fprintf(w, "\nmost complex\n%s", complexest(rows))
	return err
}

// complexest lists the ten functions of the highest cognitive complexity.
func complexest(rows []Stats) string {
	var all []Function
	for _, s := range rows {
		for _, f := range s.Functions {
			f.Name = s.Name + "." + f.Name
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b Function) int { return b.Cognitive - a.Cognitive })
	text := ""
	for _, f := range all[:min(10, len(all))] {
		text += fmt.Sprintf("  %s: cognitive %d, cyclomatic %d, %d lines\n", f.Name, f.Cognitive, f.Cyclomatic, f.Lines)
	}
	return text
}

func ratio(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func percent(part, whole int) string { return fmt.Sprintf("%.0f%%", 100*ratio(part, whole)) }
