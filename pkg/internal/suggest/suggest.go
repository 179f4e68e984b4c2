// Package suggest finds the word that a person meant by a misspelt one.
package suggest

import (
	"fmt"
	"strings"
)

// Nearest returns the known word that is closest to word: at most two letters
// differ, and no more than half of them. It returns "" when none is close.
func Nearest(word string, known []string) string {
	best, least := "", 3
	for _, candidate := range known {
		if d := distance(word, candidate); d < least && d <= len(candidate)/2 {
			best, least = candidate, d
		}
	}
	return best
}

// Sentence ends a message about a word that is not known: with the word that was
// meant, or with all known ones.
func Sentence(word string, known []string) string {
	if best := Nearest(word, known); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) == 1 {
		return "only " + known[0] + " is known"
	}
	return "known are " + strings.Join(known[:len(known)-1], ", ") + " and " + known[len(known)-1]
}

// distance returns how many letters must be added, dropped or changed to turn a
// into b, whatever their case. The beginning of b ("repo") is at distance 1. A
// distance over 2 may come out as any number over 2.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if len(a) >= 3 && strings.HasPrefix(b, a) {
		return min(1, len(b)-len(a))
	}
	if max(len(a), len(b))-min(len(a), len(b)) > 2 {
		return 3
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
