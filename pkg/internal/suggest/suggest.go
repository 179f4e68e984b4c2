// Package suggest finds the word that a person meant by a misspelt one.
package suggest

import (
	"fmt"
	"slices"
	"strings"
)

// Nearest returns the known word that is closest to word: at most two letters
// differ, and fewer than half of them. It returns "" when none is close.
func Nearest(word string, known []string) string {
	best, least := "", 3
	for _, candidate := range known {
		if d := distance(word, candidate); d < least && 2*d < len(candidate) {
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
	return "known are " + List(known, len(known))
}

// List joins words to "a, b and c". Of more than most words it has the first ones,
// and how many more there are.
func List(words []string, most int) string {
	if len(words) > most {
		words = append(slices.Clone(words[:most]), fmt.Sprintf("%d more", len(words)-most))
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// distance returns how many letters must be added, dropped, changed or swapped with
// their neighbour to turn a into b, whatever their case. The beginning of b ("repo")
// is at distance 1. A distance over 2 may come out as any number over 2.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if len(a) >= 3 && strings.HasPrefix(b, a) {
		return min(1, len(b)-len(a))
	}
	if max(len(a), len(b))-min(len(a), len(b)) > 2 {
		return 3
	}
	// rows[i][j] is the distance of a[:i] and b[:j].
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
