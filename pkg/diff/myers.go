package diff

import "bytes"

// A difference says that the lines a0 up to a1 became the lines b0 up to b1.
type difference struct{ a0, a1, b0, b1 int }

func (d difference) moved(a, b int) difference {
	return difference{d.a0 + a, d.a1 + a, d.b0 + b, d.b1 + b}
}

// differences compares two texts line by line, between their common beginning
// and their common end.
func differences(a, b [][]byte) []difference {
	start := 0
	for start < len(a) && start < len(b) && bytes.Equal(a[start], b[start]) {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && bytes.Equal(a[endA-1], b[endB-1]) {
		endA--
		endB--
	}
	a, b = a[start:endA], b[start:endB]
	script, ok := shortest(a, b)
	if !ok {
		script = coarse(a, b)
	}
	for i, d := range script {
		script[i] = d.moved(start, start)
	}
	return script
}

// maxSteps limits [shortest]: its time and memory grow with the square.
const maxSteps = 256

// shortest finds a shortest script from a to b with Myers' greedy algorithm (An
// O(ND) Difference Algorithm, 1986): forward to the end, keeping the furthest
// points of each step, and back along them. It gives up after maxSteps.
func shortest(a, b [][]byte) ([]difference, bool) {
	reach := map[int]int{1: 0} // furthest line of a on each diagonal (a - b)
	var rows []map[int]int
	for d := 0; d <= min(len(a)+len(b), maxSteps); d++ {
		row := make(map[int]int, d+1)
		for k := -d; k <= d; k += 2 {
			x := nextReach(reach, k, d)
			for x < len(a) && x-k < len(b) && bytes.Equal(a[x], b[x-k]) {
				x++
			}
			row[k] = x
			if x >= len(a) && x-k >= len(b) {
				return trace(append(rows, row), len(a), len(b)), true
			}
		}
		rows = append(rows, row)
		reach = row
	}
	return nil, false
}

func nextReach(reach map[int]int, k, d int) int {
	switch {
	case d == 0:
		return 0
	case isInsertion(reach, k, d):
		return reach[k+1]
	}
	return reach[k-1] + 1
}

// isInsertion reports whether step d reaches diagonal k by a line of b, not by
// the removal of a line of a.
func isInsertion(reach map[int]int, k, d int) bool {
	return k == -d || k != d && reach[k-1] < reach[k+1]
}

// trace walks the rows of [shortest] back from the ends x and y.
func trace(rows []map[int]int, x, y int) []difference {
	var script []difference
	for d := len(rows) - 1; d > 0; d-- {
		k, before := x-y, rows[d-1]
		if isInsertion(before, k, d) {
			x = before[k+1]
			y = x - k - 1
			script = prepend(script, difference{x, x, y, y + 1})
		} else {
			x = before[k-1]
			y = x - k + 1
			script = prepend(script, difference{x, x + 1, y, y})
		}
	}
	return script
}

// prepend puts d before the others and joins it with the first if they touch.
func prepend(script []difference, d difference) []difference {
	if len(script) > 0 && script[0].a0 == d.a1 && script[0].b0 == d.b1 {
		script[0].a0, script[0].b0 = d.a0, d.b0
		return script
	}
	return append([]difference{d}, script...)
}

// coarse compares texts with many differences in linear time: it cuts them at
// the lines that occur once in each, and compares the parts. Parts of the same
// length are compared line by line; others are one difference.
func coarse(a, b [][]byte) []difference {
	var script []difference
	fromA, fromB := 0, 0
	cuts := anchors(a, b)
	for _, cut := range append(cuts, anchor{len(a), len(b)}) {
		partA, partB := a[fromA:cut.a], b[fromB:cut.b]
		var part []difference
		switch {
		case len(cuts) > 0:
			part = differences(partA, partB)
		case len(partA) == len(partB):
			part = pairwise(partA, partB)
		default:
			part = []difference{{0, len(partA), 0, len(partB)}}
		}
		for _, d := range part {
			script = append(script, d.moved(fromA, fromB))
		}
		fromA, fromB = cut.a+1, cut.b+1
	}
	return script
}

// An anchor is a line that a and b share.
type anchor struct{ a, b int }

// anchors lists the lines that occur once in a and once in b, without those that
// would cross an earlier one.
func anchors(a, b [][]byte) []anchor {
	inA, inB := uniqueLines(a), uniqueLines(b)
	var list []anchor
	next := 0
	for i, line := range a {
		j, shared := inB[string(line)]
		if _, unique := inA[string(line)]; unique && shared && j >= next {
			list = append(list, anchor{i, j})
			next = j + 1
		}
	}
	return list
}

// uniqueLines maps each line that occurs once to its number.
func uniqueLines(lines [][]byte) map[string]int {
	unique, seen := map[string]int{}, map[string]bool{}
	for i, line := range lines {
		if seen[string(line)] {
			delete(unique, string(line))
			continue
		}
		seen[string(line)] = true
		unique[string(line)] = i
	}
	return unique
}

// pairwise compares texts of the same length line by line.
func pairwise(a, b [][]byte) []difference {
	var script []difference
	for i := range a {
		if bytes.Equal(a[i], b[i]) {
			continue
		}
		if last := len(script) - 1; last >= 0 && script[last].a1 == i {
			script[last].a1, script[last].b1 = i+1, i+1
			continue
		}
		script = append(script, difference{i, i + 1, i, i + 1})
	}
	return script
}
