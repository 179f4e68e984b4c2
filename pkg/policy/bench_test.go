package policy

import (
	"fmt"
	"testing"
)

// BenchmarkCandidates sorts a hundred thousand tags, all of which are candidates.
func BenchmarkCandidates(b *testing.B) {
	tags := make([]string, 100_000)
	for i := range tags {
		tags[i] = fmt.Sprintf("2.%d.%d-build-%06d", i/1000, i%1000, i)
	}
	for _, rule := range []Rule{
		{Semver: ">=1-0"},
		{Order: Natural},
		{Match: `^2\.(\d+)\.(\d+)-`, Extract: "$1.$2", Order: Calver},
	} {
		p, err := New(rule)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(p.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Candidates(tags)
			}
		})
	}
}
