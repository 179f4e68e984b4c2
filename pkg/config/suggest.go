package config

import (
	"fmt"
	"strings"
)

// suggest ends a message about a word that is not known with the known one
// that was meant, or with all of them.
func suggest(word string, known []string) string {
	best, least := "", 3
	for _, candidate := range known {
		if d := distance(word, candidate); d < least && d <= len(candidate)/2 {
			best, least = candidate, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) == 1 {
		return "only " + known[0] + " is known"
	}
	return "known are " + strings.Join(known[:len(known)-1], ", ") + " and " + known[len(known)-1]
}

// distance is how many letters must be added, dropped or changed to make b of
// a, whatever their case; a beginning of b ("repo") is at distance 1. Beyond 2
// it only says that it is more.
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
