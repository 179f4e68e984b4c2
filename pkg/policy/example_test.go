package policy_test

import (
	"fmt"

	"github.com/tagbump/tagbump/pkg/policy"
)

func Example() {
	p, err := policy.New(policy.Rule{Semver: ">=1.2 <2"})
	if err != nil {
		fmt.Println(err)
		return
	}
	candidates := p.Candidates([]string{"1.2.0", "1.10.0", "2.0.0", "latest", "20240615"})
	for _, c := range candidates {
		fmt.Println(c.Tag)
	}
	// Output:
	// 1.10.0
	// 1.2.0
}

// The tags of many pipelines hold a time stamp. Extract names the part to compare.
func ExampleRule_extract() {
	p, err := policy.New(policy.Rule{
		Match:   `^main-[0-9a-f]{7}-(?P<stamp>\d+)$`,
		Extract: "$stamp",
		Order:   policy.Numerical,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	best := p.Candidates([]string{"main-fe01c2a-1718450000", "main-0b7d3f9-1718530000", "dev-1234567-1799999999"})[0]
	fmt.Println(best.Tag, best.Key)
	// Output: main-0b7d3f9-1718530000 1718530000
}

func ExampleRule_Check() {
	for _, problem := range (policy.Rule{Match: "^v(", Order: "newst"}).Check() {
		fmt.Println(problem)
	}
	// Output:
	// match: "^v(": missing closing )
	// order: "newst" is not one of semver, numerical, alphabetical, natural, calver, newest
}

func ExamplePolicy_Compare() {
	p, err := policy.New(policy.Rule{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Compare("1.9.0", "1.10.0"))
	fmt.Println(p.Compare("1.9.0", "main"))
	// Output:
	// -1 true
	// 0 false
}

func ExampleCompareVersions() {
	fmt.Println(policy.CompareVersions("2.0.0-rc1", "2.0.0"))
	fmt.Println(policy.CompareVersions("1.2.3", "1.2.3-alpine"))
	// Output:
	// -1 true
	// 0 false
}
