package registry

import (
	"fmt"
	"slices"
	"testing"
)

// TestWhenAListIsProvenToBeInTheOrderOfBytes holds each part of the proof: one tag out
// of order, too few tags, and too few falls are no proof.
func TestWhenAListIsProvenToBeInTheOrderOfBytes(t *testing.T) {
	var sorted []string // 1.0, 1.1, 1.10, 1.100, 1.101, … 1.11, …: numbers fall again and again
	for i := range 120 {
		sorted = append(sorted, fmt.Sprintf("1.%d", i))
	}
	slices.Sort(sorted)
	var stamps []string // sorted in every order, so that nothing is proven
	for i := range 120 {
		stamps = append(stamps, fmt.Sprintf("master-2024061512%02d%02d", i/60, i%60))
	}
	moved := append(slices.Clone(sorted), "0.9")
	early := slices.Insert(slices.Clone(sorted), 3, "v1.0")
	for _, test := range []struct {
		name string
		tags []string
		want bool
	}{
		{"in order, with falls", sorted, true},
		{"in order, without falls", stamps, false},
		{"too few", sorted[:provenTags-1], false},
		{"the last is out of order", moved, false},
		{"an early one is out of order", early, false},
		{"one twice", slices.Insert(slices.Clone(sorted), 7, sorted[7]), false},
		{"none", nil, false},
	} {
		var whole, pages orderProof
		whole.note(test.tags)
		for _, tag := range test.tags {
			pages.note([]string{tag})
		}
		if whole.isProven() != test.want || pages.isProven() != test.want {
			t.Errorf("%s: %v, in pages of one %v, want %v", test.name, whole.isProven(), pages.isProven(), test.want)
		}
	}
}
