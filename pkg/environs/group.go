package environs

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// An Environment is some files and the name of the environment that they belong
// to. The name is made of the parts of the paths that tell it from the others:
// "prod", "eu-west-1", "prod/eu". It is "" for files that all environments share.
type Environment struct {
	Name  string
	Files []string
}

// Group sorts files by environment: in the order of the names, the shared ones
// last. Files of which no two are [Different] are one Environment without a name.
// Names that mean the same, as prod and production, are one: the one that more
// files have.
func Group(files []string) []Environment {
	parts := make([][]string, len(files))
	for i, file := range files {
		parts[i] = split(file)
	}
	names := make([]string, len(files))
	for i := range files {
		names[i] = nameAmong(parts[i], parts)
	}
	names = mergeSynonyms(names)
	byName := map[string][]string{}
	for i, file := range files {
		byName[names[i]] = append(byName[names[i]], file)
	}
	var environments []Environment
	for name, members := range byName {
		environments = append(environments, Environment{name, members})
	}
	sort.Slice(environments, func(i, j int) bool {
		a, b := environments[i].Name, environments[j].Name
		if a == "" || b == "" {
			return a != ""
		}
		return a < b
	})
	return environments
}

// mergeSynonyms returns names in which words of the same meaning are one: the most
// frequent, then the longest.
func mergeSynonyms(names []string) []string {
	count := map[string]int{}
	for _, name := range names {
		count[name]++
	}
	best := map[string]string{} // by the class of words
	for name := range count {
		class := classes[name]
		known := best[class]
		isBetter := cmp.Or(cmp.Compare(count[name], count[known]), cmp.Compare(len(name), len(known)), strings.Compare(name, known)) > 0
		if class != "" && isBetter {
			best[class] = name
		}
	}
	merged := slices.Clone(names)
	for i, name := range names {
		if common := best[classes[name]]; common != "" {
			merged[i] = common
		}
	}
	return merged
}

// nameAmong joins the marks that tell a file from the others.
func nameAmong(parts []string, others [][]string) string {
	marks := map[int]string{} // by index in parts, so that a folder counts once
	for _, other := range others {
		for _, m := range compare(parts, other) {
			marks[m.index] = m.text
		}
	}
	var names []string
	for i := range parts {
		if text, marked := marks[i]; marked {
			names = append(names, text)
		}
	}
	return strings.Join(names, "/")
}
